import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { DamageKind } from './schedule.js';

/** Breaks the notes of what the server has, in a way that a disk, a person or another version may. False: there was nothing to break. */
export function damage(folder: string, kind: DamageKind, point: number): boolean {
  if (!existsSync(folder)) return false;
  if (kind === 'state deleted') {
    rmSync(folder, { recursive: true });
    return true;
  }
  const file = pick(filesFor(folder, kind), point);
  if (file === undefined) return false;
  const text = readFileSync(file, 'utf8');
  if (kind.endsWith('deleted')) rmSync(file);
  else if (kind.endsWith('torn')) truncateSync(file, Math.floor(point * text.length));
  else if (kind.endsWith('empty')) truncateSync(file, 0);
  else if (kind.endsWith('garbage')) appendFileSync(file, '\0\0garbage\t{"\n');
  else writeFileSync(file, text.replace('"schema":1', '"schema":2'));
  return true;
}

function filesFor(folder: string, kind: DamageKind): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const isWanted = (name: string) => {
    const last = name.slice(name.lastIndexOf('/') + 1);
    if (kind.startsWith('index')) return last === 'index.jsonl';
    if (kind.startsWith('settled')) return last === '.settled.json';
    return last.endsWith('.json') && !last.startsWith('.');
  };
  return names
    .filter(isWanted)
    .sort()
    .map((name) => join(folder, name));
}

function pick<T>(items: readonly T[], point: number): T | undefined {
  return items[Math.floor(point * items.length)];
}
