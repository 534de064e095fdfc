import { readFileSync } from 'node:fs';

/** Corpus strings are stored in pieces so that no scanner takes this repository for a leak. */
type Pieces = string | string[];

export function joined(pieces: Pieces): string {
  return Array.isArray(pieces) ? pieces.join('') : pieces;
}

interface Planted<T> {
  name: string;
  kind: string;
  secret: string;
  content: T;
}

interface PlantedFile {
  texts: { name: string; kind: string; text: Pieces; secret: Pieces }[];
  values: { name: string; kind: string; args: unknown; secret: Pieces }[];
}

function read(name: string) {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8'));
}

const planted: PlantedFile = read('planted');

export const plantedTexts: Planted<string>[] = planted.texts.map((entry) => {
  const secret = joined(entry.secret);
  return { ...entry, secret, content: joined(entry.text).replaceAll('{secret}', () => secret) };
});

export const plantedValues: Planted<unknown>[] = planted.values.map((entry) => {
  const secret = joined(entry.secret);
  const escaped = JSON.stringify(secret).slice(1, -1);
  return {
    ...entry,
    secret,
    content: JSON.parse(JSON.stringify(entry.args).replaceAll('{secret}', () => escaped)),
  };
});

export const lookalikes: { texts: Pieces[]; values: unknown[] } = read('lookalikes');
