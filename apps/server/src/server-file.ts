import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const ServerFile = z.object({
  /** Base of the API. */
  url: z.string(),
  apiKey: z.string(),
  pid: z.number(),
  /** Absolute path of the database. */
  db: z.string(),
});

/** How programs of the same person find the server and its key: `~/.opensync/server.json`. */
export type ServerFile = z.infer<typeof ServerFile>;

export function serverFilePath(home: string): string {
  return join(home, '.opensync', 'server.json');
}

/** Undefined when there is none, or none that can be understood; it is then written anew. */
export function readServerFile(home: string): ServerFile | undefined {
  try {
    return ServerFile.parse(JSON.parse(readFileSync(serverFilePath(home), 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError || isMissing(error)) return undefined;
    throw error;
  }
}

/** Readable by its owner only, and never half written: it holds a key. */
export function writeServerFile(home: string, contents: ServerFile): void {
  const directory = join(home, '.opensync');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  const temporary = join(directory, `server.json.${randomBytes(6).toString('hex')}.tmp`);
  try {
    writeFileSync(temporary, `${JSON.stringify(contents, null, 2)}\n`, {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    });
    renameSync(temporary, serverFilePath(home));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
