import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as api from './index.js';

const SOURCE = fileURLToPath(new URL('.', import.meta.url));
const PACKAGES = fileURLToPath(new URL('../..', import.meta.url));

function sourceFiles(): string[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
}

/** The coding tools that have a plugin here, by its folder. */
const TOOLS = readdirSync(PACKAGES)
  .filter((name) => name.endsWith('-sync'))
  .map((name) => name.slice(0, -'-sync'.length).split('-'));

/** A tool by its name, however it is spelled, or by the folder that it would have in a home. */
function namesTool(text: string): boolean {
  const names = TOOLS.flatMap((words) => [words.join('[ _-]?'), `\\.${words[0]}`]);
  const naming = new RegExp(`(?<![a-z])(${names.join('|')})(?![a-z])`, 'i');
  return naming.test(text) || naming.test(text.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' '));
}

/** As prose, variables of the code and of the environment, and paths have it. */
function spellings(words: readonly string[]): string[] {
  const names = words.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  const [first = '', ...others] = [words[0], ...names.slice(1)];
  const constant = words.join('_').toUpperCase();
  return [
    names.join(' '),
    `${first}${others.join('')}File`,
    `is${names.join('')}`,
    `${constant}_HOME`,
    `~/.${first}/chats`,
  ];
}

describe('core', () => {
  it('names no coding tool', () => {
    const naming = sourceFiles().filter((file) => namesTool(readFileSync(join(SOURCE, file), 'utf8')));
    expect(naming).toEqual([]);
    const spelled = TOOLS.flatMap(spellings);
    expect(spelled.length).toBeGreaterThan(20);
    expect(spelled.filter(namesTool)).toEqual(spelled);
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
