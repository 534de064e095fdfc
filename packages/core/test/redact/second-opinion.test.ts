import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rules as scannerRules } from '@secretlint/secretlint-rule-preset-recommend';
import { describe, expect, it, onTestFinished } from 'vitest';
import { source as claudeCode } from '../../../claude-code-sync/src/source.js';
import { source as codex } from '../../../codex-sync/src/source.js';
import { source as cursor } from '../../../cursor-cli-sync/src/source.js';
import { source as opencode } from '../../../opencode-sync/src/source.js';
import { redactText, redactValue } from '../../src/redact.js';
import { sessionsToSend, wireOf } from '../../src/session.js';
import type { Source } from '../../src/source.js';
import { findSessions } from '../../src/sync.js';
import { copyHistory } from '../../src/testing/history.js';
import { joined, lookalikes, plantedTexts, plantedValues } from './corpus.js';

/*
 * The rules of another scanner, which know nothing of ours: what they find in a text that was redacted
 * is a secret that we missed, or listed below as none.
 */

interface Finding {
  /** e.g. "github". */
  rule: string;
  text: string;
}

/** A marker in place of a password is a password to the scanner; a template's variable is none. */
function withoutMarkers(text: string): string {
  return text.replace(/\[redacted:[a-z0-9-]+\]/g, '{redacted}');
}

/** As much of the scanner's surroundings as its rules use. */
interface ScannerRule {
  meta: { id: string };
  create(
    context: {
      createTranslator(): () => object;
      report(finding: { range: readonly [number, number] }): void;
      ignore(): void;
    },
    options: object,
  ): { file(source: object): void | Promise<void> };
}

const scanner = (scannerRules as unknown as ScannerRule[]).map((rule) => ({
  name: rule.meta.id.replace('@secretlint/secretlint-rule-', ''),
  rule,
}));

async function scan(text: string): Promise<Finding[]> {
  const content = withoutMarkers(text);
  const found: Finding[] = [];
  for (const { name, rule } of scanner) {
    const report = ({ range }: { range: readonly [number, number] }) =>
      void found.push({ rule: name, text: content.slice(...range) });
    const context = { createTranslator: () => () => ({}), report, ignore: () => undefined };
    await rule.create(context, {}).file({ content, contentType: 'text', ext: '.txt', filePath: 'a.txt' });
  }
  return found;
}

async function scanAll(texts: readonly string[]): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const text of texts) found.push(...(await scan(text)));
  return found;
}

/** Passwords that every example and every container uses are none: we leave them. */
const DEFAULT_PASSWORDS = ['postgres://postgres:postgres@localhost:5432/postgres'];

/** Kinds of the scanner that need a file of a certain name or no secret at all. */
const NOT_IN_TEXTS = ['gcp', 'filter-comments'];

describe('another scanner', () => {
  it('knows secrets of all its kinds in the corpus, so that its opinion counts', async () => {
    const found = await scanAll(plantedTexts.map(({ content }) => content));
    const seen = new Set(found.map(({ rule }) => rule));
    expect(
      scanner.map(({ name }) => name).filter((name) => !seen.has(name) && !NOT_IN_TEXTS.includes(name)),
    ).toEqual([]);
    expect(found.length).toBeGreaterThan(70);
  });

  it('finds nothing in the corpus once it is redacted', async () => {
    expect(await scanAll(plantedTexts.map(({ content }) => redactText(content)))).toEqual([]);
    expect(await scanAll(plantedValues.map(({ content }) => JSON.stringify(redactValue(content))))).toEqual(
      [],
    );
  });

  it('takes no look-alike for a secret that we leave', async () => {
    const found = await scanAll(lookalikes.texts.map((text) => redactText(joined(text))));
    expect(found.filter(({ text }) => !DEFAULT_PASSWORDS.includes(text))).toEqual([]);
  });
});

const packages = fileURLToPath(new URL('../../../', import.meta.url));

/** Where each fixture's home lies, and what its tool needs to be told of it. */
const histories: { source: Source; name: string; home: string; vars: Record<string, string> }[] = (
  [
    [claudeCode, 'CLAUDE_CONFIG_DIR'],
    [codex, 'CODEX_HOME'],
    [cursor, ''],
    [opencode, 'XDG_DATA_HOME'],
  ] as [Source, string][]
).flatMap(([source, variable]) => {
  const fixtures = join(packages, source.plugin, 'fixtures');
  return readdirSync(fixtures, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const home = join(fixtures, name, variable === '' ? 'home' : '');
      return { source, name, home, vars: variable === '' ? {} : { [variable]: '$FIXTURE' } };
    });
});

describe.each(histories)('the sessions of $source.name $name', ({ source, home, vars }) => {
  it('hold nothing that another scanner takes for a secret', async () => {
    // A copy, since a database is opened beside its files.
    const { folder, env } = copyHistory(home, vars);
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const raws = findSessions(source, env);
    expect(raws.length).toBeGreaterThan(0);
    for (const raw of raws) {
      const config = { thinking: true };
      for (const one of sessionsToSend(source, raw, 'all', { config, env }).prepared) {
        expect(await scan(JSON.stringify(wireOf(source, one, config))), raw.id).toEqual([]);
      }
    }
  });
});
