// Writes src/prices.json from two npm packages and prices-overlay.json. See docs/pricing.md.
//   node scripts/build-prices.mjs            writes it
//   node scripts/build-prices.mjs --check    fails when it is not what would be written
// The output depends on nothing but those inputs: same packages, same bytes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

/** Only their data is read. They are fetched here and not installed: nobody else needs them. */
const GENAI_PRICES = '@pydantic/genai-prices@0.1.8';
const PI_AI = '@earendil-works/pi-ai@1.5.2';

const here = dirname(fileURLToPath(import.meta.url));
const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const overlay = readJson(join(here, 'prices-overlay.json'));

/** Our name of a vendor -> its name in genai-prices and in pi-ai. */
const VENDORS = {
  anthropic: { genai: 'anthropic', pi: 'anthropic' },
  cursor: { genai: 'cursor' },
  deepseek: { genai: 'deepseek', pi: 'deepseek' },
  google: { genai: 'google', pi: 'google' },
  minimax: { genai: 'minimax', pi: 'minimax' },
  mistral: { genai: 'mistral', pi: 'mistral' },
  moonshotai: { genai: 'moonshotai', pi: 'moonshotai' },
  openai: { genai: 'openai', pi: 'openai' },
  'x-ai': { genai: 'x-ai', pi: 'xai' },
  zai: { genai: 'zai', pi: 'zai' },
};
/** A vendor's list may hold other makers' models and models that no coding tool calls. */
const FOREIGN = { google: /^(?!gemini-)/, mistral: /glm|deepseek/ };
const NOT_FOR_CODING =
  /audio|realtime|transcribe|tts|image|vision|vl-|embed|ocr|moderation|voxtral|voice|live|omni|search-preview|deep-research|davinci|babbage|robotics|computer-use|instruct|saba|^ft:|\.ft-|:free|:extended/;

const FIELDS = {
  input_mtok: 'input',
  cache_read_mtok: 'cacheRead',
  cache_write_mtok: 'cacheWrite5m',
  cache_write_1h_mtok: 'cacheWrite1h',
  output_mtok: 'output',
};
const PI_FIELDS = {
  input: 'input',
  cacheRead: 'cacheRead',
  cacheWrite: 'cacheWrite5m',
  output: 'output',
};
const TOKEN_FIELDS = Object.values(FIELDS);

// Decimals: prices come as JavaScript numbers, whose shortest form is what the package's author wrote.

function decimal(number) {
  const text = String(number);
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`Not a plain decimal: ${text}`);
  return text;
}

/** Exact product of two decimal strings. */
function times(a, b) {
  const places = (text) => (text.split('.')[1] ?? '').length;
  const digits = BigInt(a.replace('.', '')) * BigInt(b.replace('.', ''));
  const scale = places(a) + places(b);
  if (scale === 0) return String(digits);
  const text = String(digits).padStart(scale + 1, '0');
  return `${text.slice(0, -scale)}.${text.slice(-scale)}`.replace(/\.?0+$/, '');
}

function scaled(row, factor) {
  const out = {};
  for (const field of TOKEN_FIELDS) if (row[field] !== undefined) out[field] = times(row[field], factor);
  if (row.webSearch !== undefined) out.webSearch = row.webSearch;
  if (row.long) out.long = row.long.map((tier) => ({ above: tier.above, ...scaled(tier, factor) }));
  return out;
}

// genai-prices: https://github.com/pydantic/genai-prices

/** Unpacks a package from the npm registry into `folder`, without its dependencies. */
function fetchPackage(spec, folder) {
  const inFolder = { cwd: mkdtempSync(join(folder, 'package-')), encoding: 'utf8' };
  const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', spec, '--json', '--silent'], inFolder));
  execFileSync('tar', ['-xzf', filename], inFolder);
  return join(inFolder.cwd, 'package');
}

function genaiRow(prices) {
  const at = (value, start) =>
    typeof value === 'object'
      ? (value.tiers.findLast((tier) => tier.start <= start)?.price ?? value.base)
      : value;
  const rowAt = (start) => {
    const row = {};
    for (const [key, field] of Object.entries(FIELDS))
      if (prices[key] !== undefined) row[field] = decimal(at(prices[key], start));
    return row;
  };
  const starts = Object.keys(FIELDS).flatMap((key) => prices[key]?.tiers?.map((tier) => tier.start) ?? []);
  const row = rowAt(-1);
  if (prices.web_searches_kcount !== undefined)
    row.webSearch = times(decimal(prices.web_searches_kcount), '0.001');
  const above = [...new Set(starts)].sort((a, b) => a - b);
  if (above.length > 0) row.long = above.map((start) => ({ above: start, ...rowAt(start) }));
  return row;
}

function genaiPeriods(model) {
  const entries = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  return entries.map(({ constraint, prices }) => {
    if (constraint && constraint.type !== 'start_date') throw new Error(`${model.id}: ${constraint.type}`);
    return constraint ? { from: constraint.start_date, ...genaiRow(prices) } : genaiRow(prices);
  });
}

const isHourly = (model) =>
  Array.isArray(model.prices) && model.prices.some(({ constraint }) => constraint?.type === 'time_of_date');

/** The ids a match clause spells out. Patterns are not expanded: a new model must not inherit an old price. */
function spelledOut(match) {
  if (match.or) return match.or.flatMap(spelledOut);
  if (match.equals) return [match.equals];
  if (match.starts_with && /^[\w.-]*\w$/.test(match.starts_with) && !/-20\d*$/.test(match.starts_with))
    return [match.starts_with];
  const literal = match.regex?.replace(/^\^|\$$/g, '');
  if (literal && !/[^\w.\\[\]=-]|\\[dwsb]/.test(literal)) return [literal.replaceAll('\\', '')];
  return [];
}

function isUseful(vendor, id, price) {
  if (NOT_FOR_CODING.test(id) || FOREIGN[vendor]?.test(id)) return false;
  return price.input !== undefined && price.output !== undefined;
}

function addGenai(table, vendor, provider) {
  for (const model of provider.models) {
    if (isHourly(model)) {
      table.leftOut[vendor][model.id] = 'it is billed by the hour of day, which the table cannot say';
      continue;
    }
    // A reseller's price is not the vendor's.
    if (/OpenRouter|open router/i.test(model.price_comments ?? '')) continue;
    const periods = genaiPeriods(model);
    if (!isUseful(vendor, model.id, periods[0])) continue;
    table.models[vendor][model.id] = periods;
    for (const id of spelledOut(model.match)) if (id !== model.id) table.aliases[vendor][id] = model.id;
  }
}

// pi-ai: https://github.com/earendil-works/pi, whose model data is generated from models.dev

/** models.dev leaves a price out where it is unknown or free, and pi-ai then has 0: both are "no price" here. */
function piRow(cost) {
  const row = {};
  for (const [key, field] of Object.entries(PI_FIELDS)) if (cost[key] > 0) row[field] = decimal(cost[key]);
  if (cost.tiers) row.long = cost.tiers.map((tier) => ({ above: tier.inputTokensAbove, ...piRow(tier) }));
  return row;
}

/** [id, row] of every chat model in one of pi-ai's data files. */
function piModels(folder, name) {
  const byApi = readJson(join(folder, 'dist/providers/data', `${name}.json`));
  return Object.values(byApi)
    .flatMap((models) => Object.entries(models))
    .filter(([key]) => key.startsWith('chat:'))
    .map(([, model]) => [model.id, piRow(model.cost)]);
}

const withoutDate = (id) => id.replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, '');

function modelOf(table, vendor, id) {
  for (const spelling of [id, withoutDate(id)]) {
    const model = table.aliases[vendor]?.[spelling] ?? spelling;
    if (table.models[vendor]?.[model]) return model;
  }
  return undefined;
}

const inForce = (periods, day) =>
  periods.findLast((period) => period.from === undefined || period.from <= day);
const sameBase = (a, b) => a.input === b.input && a.output === b.output;

function addPi(table, vendor, models, day) {
  for (const [id, row] of models) {
    const known = modelOf(table, vendor, id);
    if (known === undefined) {
      // A name that moves from model to model has no price of its own.
      if (id.endsWith('-latest')) continue;
      if (isUseful(vendor, id, row)) table.models[vendor][id] = [{ ...row, source: 'models.dev' }];
      continue;
    }
    if (row.input === undefined) continue;
    const period = inForce(table.models[vendor][known], day);
    if (sameBase(period, row)) {
      for (const field of TOKEN_FIELDS) period[field] ??= row[field];
    } else {
      delete (known === id ? table.models : table.aliases)[vendor][id];
      table.leftOut[vendor][id] = 'the two price sources disagree';
    }
  }
}

/** Bedrock's regional endpoints cost a tenth more: only rows that differ from Anthropic's own are kept. */
function addBedrock(table, models, day) {
  const rows = {};
  for (const [id, row] of models) {
    const claude = /^(?:[\w-]+\.)?anthropic\.(claude-.+?)(?:-v\d+(?::\d+)?)?$/.exec(id)?.[1];
    if (claude === undefined) continue;
    const known = modelOf(table, 'anthropic', claude);
    if (known && sameBase(inForce(table.models.anthropic[known], day), row)) continue;
    rows[id] = [{ ...row, source: 'models.dev' }];
  }
  table.models['amazon-bedrock'] = rows;
}

/** OpenCode Zen passes closed models on at the maker's price; what differs or has open weights is kept. */
function addZen(table, models, day) {
  const rows = {};
  for (const [id, row] of models) {
    const vendor = overlay.vendors.closed.find((maker) => modelOf(table, maker, id) !== undefined);
    const known = vendor && inForce(table.models[vendor][modelOf(table, vendor, id)], day);
    if (known && sameBase(known, row)) continue;
    if (row.input !== undefined) rows[id] = [{ ...row, source: 'models.dev' }];
    else if (id.endsWith('-free'))
      rows[id] = [{ ...Object.fromEntries(TOKEN_FIELDS.map((field) => [field, '0'])), source: 'models.dev' }];
  }
  table.models.opencode = rows;
}

// Tiers: OpenRouter lists fast and batch as models of their own, at the vendor's price.

function addFast(table, id, row) {
  const model = modelOf(table, 'anthropic', id);
  const period = model && table.models.anthropic[model].at(-1);
  if (period) period.tiers = { ...period.tiers, fast: { ...row, webSearch: period.webSearch } };
}

/** Both vendors document batch as half of everything; a row that says otherwise is not taken. */
function addBatch(table, vendor, id, row) {
  const model = modelOf(table, vendor, id);
  for (const period of model ? table.models[vendor][model] : []) {
    if (times(row.input, '2') !== period.input) continue;
    period.tiers = { ...period.tiers, batch: scaled(period, '0.5') };
  }
}

function addRouterTiers(table, genaiRouter, piRouter) {
  for (const model of genaiRouter.models) {
    const id = /^anthropic\/(.+)-fast$/.exec(model.id)?.[1];
    if (id) addFast(table, id, genaiRow(model.prices));
  }
  for (const [name, row] of piRouter) {
    const [, vendor, id] = /^(anthropic|openai)\/(.+):batch$/.exec(name) ?? [];
    if (vendor) addBatch(table, vendor, id, row);
  }
}

// The overlay, and what follows from the whole

function addOverlayModels(table) {
  for (const { vendor, id, periods } of overlay.models) {
    table.models[vendor][id] = structuredClone(periods).map((period) => ({ ...period, source: 'overlay' }));
    delete table.leftOut[vendor][id];
  }
}

function addOverlayTiers(table) {
  for (const { vendor, models, tiers, from, times: factor, price } of overlay.tiers) {
    for (const id of models) {
      const periods = table.models[vendor][id].filter((period) => from === undefined || period.from === from);
      if (periods.length === 0) throw new Error(`${id} has no period from ${from}`);
      for (const period of periods) {
        const row = price ? { ...price, webSearch: period.webSearch } : scaled(period, factor);
        period.tiers = { ...period.tiers, ...Object.fromEntries(tiers.map((tier) => [tier, row])) };
      }
    }
  }
}

function* rowsOf(period) {
  for (const row of [period, ...Object.values(period.tiers ?? {})]) {
    yield row;
    yield* row.long ?? [];
  }
}

function fillFields(table) {
  for (const { vendor, field, timesInput, value, models } of overlay.fields) {
    for (const [id, periods] of Object.entries(table.models[vendor])) {
      if (models && !models.includes(id)) continue;
      for (const row of periods.flatMap((period) => [...rowsOf(period)])) {
        if (value !== undefined && row.above === undefined) row[field] ??= value;
        if (timesInput !== undefined && row.cacheWrite5m !== undefined)
          row[field] ??= times(row.input, timesInput);
      }
    }
  }
}

function leaveOut(table) {
  for (const { vendor, reason } of overlay.leaveOut) {
    const ids = [table.models, table.aliases, table.leftOut].flatMap((part) => Object.keys(part[vendor]));
    table.leftOut[vendor] = Object.fromEntries(ids.map((id) => [id, reason]));
    table.models[vendor] = {};
  }
}

/** Other spellings of the same model: "claude-opus-4.5" and "claude-4.5-opus" (resellers), "glm-5.3" (lower case). */
function addSpellings(table) {
  for (const id of Object.keys(table.models.anthropic)) {
    const [, family, major, minor] = /^claude-([a-z]+)-(\d)-(\d)$/.exec(id) ?? [];
    if (family === undefined) continue;
    table.aliases.anthropic[`claude-${family}-${major}.${minor}`] = id;
    table.aliases.anthropic[`claude-${major}.${minor}-${family}`] = id;
  }
  for (const [vendor, models] of Object.entries(table.models))
    for (const id of Object.keys(models)) if (/[A-Z]/.test(id)) table.aliases[vendor][id.toLowerCase()] = id;
}

function prune(table) {
  for (const [vendor, aliases] of Object.entries(table.aliases))
    for (const [alias, id] of Object.entries(aliases)) {
      if (!table.models[vendor][id] || table.models[vendor][alias]) delete aliases[alias];
    }
  for (const part of [table.aliases, table.leftOut, table.models])
    for (const [vendor, entries] of Object.entries(part))
      if (Object.keys(entries).length === 0) delete part[vendor];
}

const byVendor = () =>
  Object.fromEntries([...Object.keys(VENDORS), 'amazon-bedrock', 'opencode'].map((v) => [v, {}]));

function buildTable(genai, pi, day) {
  const table = { aliases: byVendor(), leftOut: byVendor(), models: byVendor() };
  const vendors = Object.entries(VENDORS);
  for (const [vendor, names] of vendors)
    addGenai(table, vendor, genai.findProvider({ providerId: names.genai }));
  addOverlayModels(table);
  addSpellings(table);
  for (const [vendor, names] of vendors) if (names.pi) addPi(table, vendor, piModels(pi, names.pi), day);
  addSpellings(table);
  leaveOut(table);
  addBedrock(table, piModels(pi, 'amazon-bedrock'), day);
  addZen(table, piModels(pi, 'opencode'), day);
  fillFields(table);
  addRouterTiers(table, genai.findProvider({ providerId: 'openrouter' }), piModels(pi, 'openrouter'));
  addOverlayTiers(table);
  fillFields(table); // again, for the tiers
  prune(table);
  return { ...table, vendors: overlay.vendors };
}

// Output: sorted keys, one model a line, so that a refresh is a readable diff.

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(
    keys.filter((key) => value[key] !== undefined).map((key) => [key, sorted(value[key])]),
  );
}

function print(value, depth) {
  const entries = Object.entries(value);
  if (depth === 0 || Array.isArray(value) || typeof value !== 'object') return JSON.stringify(value);
  const lines = entries.map(([key, item]) => `${JSON.stringify(key)}: ${print(item, depth - 1)}`);
  return `{\n${lines.join(',\n')}\n}`;
}

function describe(folder, use) {
  const { name, version, license } = readJson(join(folder, 'package.json'));
  return { name, version, license, use };
}

function build(folder) {
  const genaiFolder = fetchPackage(GENAI_PRICES, folder);
  const piFolder = fetchPackage(PI_AI, folder);
  const genai = createRequire(import.meta.url)(genaiFolder);
  const asOf = readJson(join(piFolder, 'dist/providers/data/.manifest.json')).generatedAt.slice(0, 10);
  const about = {
    generator: 'packages/core/scripts/build-prices.mjs',
    unit: 'US dollars per million tokens, decimal strings; webSearch: per search',
    asOf,
    sources: [
      describe(genaiFolder, 'prices, dated periods, long context'),
      describe(piFolder, 'models and fields missing in the first; generated from models.dev (MIT)'),
      { name: 'scripts/prices-overlay.json', use: 'what neither has, each entry with its source' },
    ],
  };
  return `${print({ about: sorted(about), ...sorted(buildTable(genai, piFolder, asOf)) }, 3)}\n`;
}

function main(isCheck) {
  const folder = mkdtempSync(join(tmpdir(), 'prices-'));
  const output = join(here, '../src/prices.json');
  try {
    const text = build(folder);
    if (!isCheck) writeFileSync(output, text);
    else if (readFileSync(output, 'utf8') !== text) {
      throw new Error('src/prices.json is not what its sources give. Run: node scripts/build-prices.mjs');
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main(argv[2] === '--check');
