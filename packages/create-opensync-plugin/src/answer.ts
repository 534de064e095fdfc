import {
  type Answers,
  folderFor,
  folderProblem,
  isShape,
  nameProblem,
  placeOf,
  SHAPES,
  type Shape,
  sourceFor,
  sourceProblem,
  toolFor,
  toolProblem,
} from './answers.js';
import type { Io } from './program.js';
import { UsageError } from './usage-error.js';

/** What stands on the command line. */
export interface Given {
  name?: string | undefined;
  source?: string;
  tool?: string;
  folder?: string;
  shape?: string;
  yes?: boolean;
}

/** How a question that the command line leaves open is answered. */
interface Questions {
  text(message: string, suggested: string, problem: (text: string) => string | undefined): Promise<string>;
  shape(): Promise<Shape>;
}

/**
 * What is given is checked before anything is asked.
 * @throws UsageError
 */
export async function answer(given: Given, io: Io): Promise<Answers> {
  const folderIs = (folder: string) => folderProblem(folder, io.home);
  check(given.name, nameProblem);
  check(given.source, sourceProblem);
  check(given.tool, toolProblem);
  check(given.folder, folderIs);
  check(given.shape, shapeProblem);
  const questions = given.yes === true ? suggestions() : await prompts(io);
  const name = given.name ?? (await questions.text('Name of the plugin', 'my-tool-sync', nameProblem));
  const source =
    given.source ?? (await questions.text('Source ID of the tool', sourceFor(name), sourceProblem));
  const shape = given.shape !== undefined && isShape(given.shape) ? given.shape : await questions.shape();
  const where = shape === 'sqlite' ? 'Where is its database?' : 'In which folder are its sessions?';
  const folder = given.folder ?? (await questions.text(where, folderFor(source, shape), folderIs));
  return { name, source, tool: given.tool ?? toolFor(source), shape, ...placeOf(folder, shape, io.home) };
}

function check(text: string | undefined, problemOf: (text: string) => string | undefined): void {
  const problem = text === undefined ? undefined : problemOf(text);
  if (problem !== undefined) throw new UsageError(problem);
}

function shapeProblem(shape: string): string | undefined {
  return isShape(shape) ? undefined : `"${shape}" is not a shape. Use one of ${SHAPES.join(', ')}.`;
}

function suggestions(): Questions {
  return { text: async (_, suggested) => suggested, shape: async () => 'jsonl' };
}

async function prompts({ stdin, stdout }: Io): Promise<Questions> {
  if (stdin.isTTY !== true || stdout.isTTY !== true) {
    const message = 'Without a terminal nothing can be asked. Give a name and --yes, and see --help.';
    throw new UsageError(message);
  }
  const { isCancel, select, text } = await import('@clack/prompts');
  const streams = { input: stdin, output: stdout };
  const answered = <T>(value: T): Exclude<T, symbol> => {
    if (isCancel(value)) throw new UsageError('Cancelled. Nothing was written.');
    return value as Exclude<T, symbol>;
  };
  return {
    async text(message, suggested, problem) {
      const validate = (value: string | undefined) => problem(value || suggested);
      const options = { message, placeholder: suggested, defaultValue: suggested, validate, ...streams };
      return answered(await text(options));
    },
    async shape() {
      const options = [
        { value: 'jsonl' as const, label: 'JSONL', hint: 'a file a session, a record a line' },
        { value: 'json' as const, label: 'JSON', hint: 'a file a session' },
        { value: 'sqlite' as const, label: 'SQLite', hint: 'a database of all sessions' },
      ];
      return answered(await select<Shape>({ message: 'How does it keep them?', options, ...streams }));
    },
  };
}
