import { parseArgs } from 'node:util';

/**
 * What a command line says, as `parseArgs` gives it. For `--help` prints the usage and ends the process; for what
 * `config` or `check` does not take says so as well and ends it with exit code 2.
 * @param check turns what was given into what is needed, or throws
 */
export function readOptions(usage, { options = {}, ...config }, check = (parsed) => parsed) {
  try {
    const parsed = parseArgs({ ...config, options: { ...options, help: { type: 'boolean', short: 'h' } } });
    if (!parsed.values.help) return check(parsed);
    process.stdout.write(usage);
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
  }
  process.exit();
}

/** A whole number above 0, or undefined when there is no text. */
export function countOf(name, text) {
  const count = Number(text);
  if (text === undefined || (Number.isSafeInteger(count) && count > 0)) return text && count;
  throw new Error(`--${name} "${text}" is not a whole number above 0.`);
}
