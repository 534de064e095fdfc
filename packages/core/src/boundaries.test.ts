import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as api from './index.js';

const SOURCE = fileURLToPath(new URL('.', import.meta.url));

function sourceFiles(): string[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
}

describe('core', () => {
  it('names no coding tool', () => {
    const tools = readdirSync(join(SOURCE, '../..')).flatMap((name) => /^(.+)-sync$/.exec(name)?.[1] ?? []);
    expect(tools.length).toBeGreaterThan(3);
    const names = tools.map((tool) => tool.replace('-', '[ -]?'));
    const folders = tools.map((tool) => tool.split('-')[0]);
    const pattern = new RegExp(`\\b(${names.join('|')})\\b|\\.(${folders.join('|')})\\b`, 'i');
    const naming = sourceFiles().filter((file) => pattern.test(readFileSync(join(SOURCE, file), 'utf8')));
    expect(naming).toEqual([]);
  });

  it('has no state at the level of a module', () => {
    const stateful = sourceFiles().filter((file) =>
      /^(export )?let /m.test(readFileSync(join(SOURCE, file), 'utf8')),
    );
    expect(stateful).toEqual([]);
  });

  it('exports what a plugin author imports, and nothing by accident', () => {
    expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
      [
        "OpenSyncError",
        "addCosts",
        "addUsage",
        "calculateCost",
        "checkpointFolder",
        "clearConfig",
        "completionTokens",
        "configPath",
        "countOf",
        "createCli",
        "createClient",
        "defineSource",
        "discover",
        "draftSession",
        "errorCode",
        "errorMessage",
        "fieldsOf",
        "filePart",
        "filesVersion",
        "findSessions",
        "firstRecord",
        "follow",
        "isFields",
        "isOpenSyncError",
        "jsonl",
        "listOf",
        "loadConfig",
        "mainModel",
        "nodeEnv",
        "normalizeUrl",
        "openCheckpoints",
        "parseJson",
        "partsOf",
        "plural",
        "priceCalls",
        "promptTokens",
        "readJson",
        "resolveConfig",
        "saveConfig",
        "sessionsByFile",
        "sessionsByRow",
        "stringOf",
        "syncBatch",
        "syncFile",
        "syncHistory",
        "syncMessage",
        "syncSession",
        "testConnection",
        "textOf",
        "timeOf",
        "unreadable",
        "usageOf",
        "withDatabase",
        "withoutElements",
      ]
    `);
  });
});
