import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Config, configPath, loadConfig } from '@opensync/core';
import { parseTOML } from 'toml-eslint-parser';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandErrors } from './commands.js';
import { type Block, type Page, pages } from './pages.js';

const fenced = pages();

describe('the commands in the documentation', () => {
  it('are run, or are such as our programs, npm scripts and packages have', () => {
    expect(commandErrors(fenced)).toEqual([]);
  });

  it('are found out, at their line, where they are not', () => {
    const plugin = 'my-tool-sync';
    const wrong = [
      `${plugin} sink`,
      `${plugin} config got`,
      `${plugin} sync --url https://x.convex.site --sine 1d`,
      'npm run sync',
      'npm install -g @opensync/cores',
      'node bench/walk.mjs && wget x',
    ];
    const page: Page = {
      path: 'wrong.md',
      blocks: [
        { language: 'sh', run: false, text: `${plugin} sync # fine\n${wrong.join('\n')}\n`, line: 10 },
      ],
    };
    expect(commandErrors([page])).toEqual([
      'wrong.md:11: my-tool-sync has no "sink"',
      'wrong.md:12: my-tool-sync has no "got"',
      'wrong.md:13: my-tool-sync sync has no option --sine',
      'wrong.md:14: there is no npm script "sync"',
      'wrong.md:15: @opensync/cores is no package of ours',
      'wrong.md:16: bench/walk.mjs does not exist',
      'wrong.md:16: "wget" is no program of ours and not on the list',
    ]);
  });
});

describe('the other blocks of the documentation', () => {
  it('say what they are, and only what is there to be looked at is neither run nor checked', () => {
    const kinds = new Set(fenced.flatMap(({ blocks }) => blocks.map(({ language }) => language)));
    expect([...kinds].sort()).toEqual(['json', 'sh', 'text', 'toml', 'ts']);
  });

  it('are JSON and TOML where they say so', () => {
    for (const { text } of blocksOf('json')) JSON.parse(text);
    for (const { text } of blocksOf('toml')) parseTOML(text);
  });

  it('are configuration that core accepts, where a page is about it', () => {
    const configs = blocksOf('json', ['docs/configuration.md', 'docs/pricing.md']).map(({ text }) => text);
    expect(configs.length).toBeGreaterThan(3);
    for (const text of configs) expect(configOf(text)).toMatchObject(JSON.parse(text));
    expect(() => configOf('{ "privacy": { "default": "secret" } }')).toThrow('privacy');
  });
});

function blocksOf(wanted: string, paths?: readonly string[]): Block[] {
  return fenced
    .filter(({ path }) => paths?.includes(path) !== false)
    .flatMap(({ blocks }) => blocks.filter(({ language }) => language === wanted));
}

function configOf(text: string): Config {
  const home = mkdtempSync(join(tmpdir(), 'opensync-docs-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const env = { home, vars: {}, now: Date.now };
  const file = configPath({ env });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
  return loadConfig({ env });
}
