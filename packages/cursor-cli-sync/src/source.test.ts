import { fileURLToPath } from 'node:url';
import { testSource } from '@opensync/core/testing';
import { source } from './source.js';

const folder = fileURLToPath(new URL('../fixtures/2026.09.10/home', import.meta.url));

testSource(source, { fixtures: [{ name: '2026.09.10', folder }], appended: false });
