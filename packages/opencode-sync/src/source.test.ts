import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { testSource } from '@opensync/core/testing';
import { source } from './source.js';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));

const versions = readdirSync(FIXTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory());

testSource(source, {
  fixtures: versions.map(({ name }) => ({
    name,
    folder: `${FIXTURES}/${name}`,
    vars: { XDG_DATA_HOME: '$FIXTURE' },
  })),
  appended: false,
});
