import { fileURLToPath } from 'node:url';
import { testSource } from '@opensync/core/testing';
import { source } from './source.js';

const fixture = (version: string) => ({
  name: version,
  folder: fileURLToPath(new URL(`../fixtures/${version}`, import.meta.url)),
  vars: { CLAUDE_CONFIG_DIR: '$FIXTURE' },
});

testSource(source, { fixtures: ['2.1.330', '2.0.37-2.1.74'].map(fixture) });
