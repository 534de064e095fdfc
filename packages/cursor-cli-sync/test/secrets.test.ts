import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findSessions } from '@opensync/core';
import { describe, expect, it } from 'vitest';
import { source } from '../src/source.js';
import { copyOfFixture, EXPECTED, envOf, FIXTURE, folderOf, homeOf, run, write } from './home.js';
import { StoreEditor } from './store-editor.js';

/** The keys of all chats of the fixture; one older chat has none. */
function keysOf(home: string): string[] {
  const numbers = ['1', '2', '3', '6', 'a6'];
  return numbers.map((number) => {
    const key = new StoreEditor(join(home, folderOf(number), 'store.db')).meta.blobEncryptionKey;
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    return String(key);
  });
}

describe('the key that a store holds', () => {
  it('is in no record that is handed on', () => {
    const home = copyOfFixture();
    const records = findSessions(source, envOf(home)).flatMap((raw) => [
      ...raw.load('all', ({ message }) => expect(message).toBe('')),
    ]);
    const text = JSON.stringify(records);
    expect(text).not.toMatch(/blobEncryptionKey|encryption/i);
    for (const key of keysOf(home)) expect(text).not.toContain(key);
  });

  it('is in nothing that a command prints', async () => {
    const home = copyOfFixture();
    const keys = keysOf(home);
    const commands = [
      ['list'],
      ['list', '--json'],
      ['sync', '--dry-run', '--json'],
      ['sync', '--dry-run'],
      ...[...EXPECTED.keys()].flatMap((id) => [
        ['show', id],
        ['show', id, '--json'],
        ['explain', id],
        ['explain', id, '--json'],
      ]),
    ];
    for (const command of commands) {
      const { code, output } = await run(home, ...command);
      expect({ command, code }).toEqual({ command, code: 0 });
      expect(output).not.toBe('');
      expect(output).not.toMatch(/blobEncryptionKey/i);
      for (const key of keys) expect(output).not.toContain(key);
    }
  });

  it.each([-2, -40, -100])('is in no error either, when its record is cut off (%i)', async (end) => {
    const home = homeOf('2');
    const store = new StoreEditor(join(home, folderOf('2'), 'store.db'));
    const key = String(store.meta.blobEncryptionKey);
    const text = JSON.stringify(store.meta).slice(0, end);
    for (const meta of [text, Buffer.from(text).toString('hex')]) {
      store.save(meta);
      const { output } = await run(home, 'list', '--json');
      expect(output).toContain('The description of the chat is missing or damaged.');
      for (const part of [key.slice(0, 8), 'blobEncryptionKey']) expect(output).not.toContain(part);
    }
  });
});

it('never reads the history of prompts, nor the settings of the client', () => {
  const home = copyOfFixture();
  expect(readFileSync(join(FIXTURE, '.cursor/prompt_history.json'), 'utf8')).toContain('Fix it.');
  write(home, '.cursor/prompt_history.json', '["A prompt of no chat."]');
  const found = findSessions(source, envOf(home)).flatMap((raw) => raw.files);
  expect(found.filter((file) => /prompt_history|cli-config|hooks\.json/.test(file))).toEqual([]);
});
