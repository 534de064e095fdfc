import { type Browser, chromium } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { findBrowser, installBrowser } from './find-browser.js';

/** A real Chromium, closed after the test. Other names may be led to this machine. */
export async function openBrowser(options: { names?: string } = {}): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: findBrowser() ?? installBrowser(),
    args: [
      '--no-sandbox',
      ...(options.names ? [`--host-resolver-rules=MAP ${options.names} 127.0.0.1`] : []),
    ],
  });
  onTestFinished(() => browser.close());
  return browser;
}
