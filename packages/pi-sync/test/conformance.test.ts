import { join } from 'node:path';
import { testSource } from '../../core/src/testing/index.js';
import { source } from '../src/source.js';
import { fixture, VERSIONS } from './home.js';

testSource(source, {
  fixtures: VERSIONS.map((version) => ({
    name: version,
    folder: fixture(version),
    golden: join(fixture(version), 'rows.json'),
  })),
});
