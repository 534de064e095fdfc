import { defineConfig } from 'vitest/config';
import base from '../../vitest.base.js';

/** With npm and its registry, which `npm test` does without. */
export default defineConfig({ ...base, test: { ...base.test, include: ['test/npm.ts'] } });
