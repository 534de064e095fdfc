import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { CASES } from './cases.mjs';
import { printTable } from './table.mjs';

const USAGE =
  'node bench/run.mjs [--quick] [--only list|sync|start|hook|sources] [--runs N] [--node 20,22,24,26] [--strict]';

async function main() {
  const options = readOptions();
  process.stdout.write(
    `Node ${process.version}, ${cpus().length} CPUs, ${options.runs} runs each after a first one.\n\n`,
  );
  const rows = [];
  const errors = [];
  for (const name of options.cases) {
    const outcome = await CASES[name](options);
    rows.push(...outcome.rows);
    errors.push(...new Set(outcome.errors));
  }
  const missed = printTable(rows);
  for (const error of errors) process.stdout.write(`WRONG RESULT: ${error}\n`);
  if (errors.length > 0 || (options.strict && missed > 0)) process.exitCode = 1;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      only: { type: 'string' },
      runs: { type: 'string' },
      node: { type: 'string' },
    },
  });
  const runs = Number(values.runs ?? (values.quick ? 3 : 5));
  const cases = Object.keys(CASES).filter((name) => values.only === undefined || name === values.only);
  if (cases.length === 0 || !Number.isSafeInteger(runs) || runs < 1) throw new Error(`Usage: ${USAGE}`);
  const nodes = values.node?.split(',') ?? [];
  return { nodes, quick: values.quick, strict: values.strict, runs, cases };
}

await main();
