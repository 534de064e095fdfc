import { cpus } from 'node:os';
import { countOf, readOptions } from '../scripts/options.mjs';
import { CASES } from './cases.mjs';
import { printTable } from './table.mjs';

const USAGE = `Usage: node bench/run.mjs [--quick] [--only CASE] [--runs N] [--node VERSIONS] [--strict]

  --quick           a small history and 3 runs
  --only CASE       ${Object.keys(CASES).join(', ')}; all of them without it
  --runs N          times that each is measured (default 5)
  --node VERSIONS   of the hooks, such as 20,22,24,26; fetched from npm (default: this one)
  --strict          exit code 1 when a target is missed
`;

async function main() {
  const options = optionsOf();
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

function optionsOf() {
  const options = {
    quick: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    only: { type: 'string' },
    runs: { type: 'string' },
    node: { type: 'string' },
  };
  return readOptions(USAGE, { options }, ({ values: { quick, strict, only, runs, node } }) => {
    const cases = Object.keys(CASES).filter((name) => only === undefined || name === only);
    if (cases.length === 0) throw new Error(`There is no case "${only}".`);
    const nodes = node?.split(',') ?? [];
    return { nodes, quick, strict, runs: countOf('runs', runs) ?? (quick ? 3 : 5), cases };
  });
}

await main();
