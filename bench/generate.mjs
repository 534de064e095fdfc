import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countOf, readOptions } from '../scripts/options.mjs';
import { writeHistory } from './history/history.mjs';
import { readTemplates } from './history/templates.mjs';

const DATA = fileURLToPath(new URL('.data', import.meta.url));
const OWN_CODE = fileURLToPath(new URL('history', import.meta.url));

/**
 * A history of real lines with other ids, texts and sizes; reused when one with the same parameters is there.
 * @returns `config`, a `CLAUDE_CONFIG_DIR`, and `truth`, what a reader has to find in it
 */
export function generate({ size, sessions, files, seed = 1 }) {
  const templates = readTemplates();
  const key = { size, sessions, files, seed, templates: templates.digest, code: digestOfOwnCode() };
  const name = [size, sessions && `${sessions}-sessions`, files && `${files}-files`, `seed-${seed}`]
    .filter(Boolean)
    .join('-');
  const folder = join(DATA, name);
  const known = readTruth(folder);
  if (known !== undefined && JSON.stringify(known.key) === JSON.stringify(key)) return result(folder, known);
  const making = `${folder}.tmp`;
  rmSync(making, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  const truth = writeHistory({
    folder: join(making, 'config'),
    bytes: parseSize(size),
    sessions,
    files,
    seed,
    templates,
  });
  writeFileSync(join(making, 'truth.json'), JSON.stringify({ key, ...truth }));
  renameSync(making, folder);
  return result(folder, { key, ...truth });
}

function result(folder, truth) {
  return { config: join(folder, 'config'), truth };
}

function readTruth(folder) {
  const file = join(folder, 'truth.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function digestOfOwnCode() {
  const hash = createHash('sha256');
  for (const file of readdirSync(OWN_CODE).sort()) hash.update(readFileSync(join(OWN_CODE, file)));
  return hash.digest('hex').slice(0, 16);
}

function parseSize(text) {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(KB|MB|GB)$/.exec(text) ?? [];
  if (unit === undefined) throw new Error(`--size "${text}" is not a size like 500MB.`);
  return Number(number) * { KB: 1e3, MB: 1e6, GB: 1e9 }[unit];
}

const USAGE = `Usage: node bench/generate.mjs [--size SIZE] [--sessions N | --files N] [--seed N]

  --size SIZE    such as 500MB (default), 20KB, 1GB
  --sessions N   so many sessions (default 700), or
  --files N      so many files
  --seed N       the same seed gives the same bytes (default 1)
`;

function main() {
  const options = {
    size: { type: 'string', default: '500MB' },
    sessions: { type: 'string' },
    files: { type: 'string' },
    seed: { type: 'string', default: '1' },
  };
  const wanted = readOptions(USAGE, { options }, ({ values: { size, ...numbers } }) => {
    parseSize(size);
    const [sessions, files, seed] = ['sessions', 'files', 'seed'].map((name) => countOf(name, numbers[name]));
    return { size, sessions: sessions ?? (files === undefined ? 700 : undefined), files, seed };
  });
  const { config, truth } = generate(wanted);
  process.stdout.write(`${config}\n${JSON.stringify({ ...truth.totals, ...truth.usage })}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
