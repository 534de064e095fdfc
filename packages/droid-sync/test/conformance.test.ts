import { join } from 'node:path';
import { testSource } from '../../core/src/testing/index.js';
import { source } from '../src/source.js';
import { FIXTURE } from './home.js';

testSource(source, { fixtures: [{ name: '0.215.0', folder: FIXTURE, golden: join(FIXTURE, 'rows.json') }] });
