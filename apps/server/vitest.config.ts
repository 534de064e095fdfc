import { configDefaults, defineConfig } from 'vitest/config';
import { findBrowser } from './test/page/find-browser.js';

/** Where there is no browser, `npm run test:page` installs one. */
const hasBrowser = process.env.OPENSYNC_TEST_PAGE !== undefined || findBrowser() !== undefined;

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: hasBrowser ? configDefaults.exclude : [...configDefaults.exclude, 'test/page/**'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
