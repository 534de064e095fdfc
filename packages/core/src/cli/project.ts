import { isAbsolute, resolve } from 'node:path';
import { isOpenSyncError } from '../errors.js';
import { type PreparedSession, readSessions } from '../session.js';
import type { RawSession, Source } from '../source.js';

/** Whether a session belongs to a project, named by its absolute path, by "." or by its name. */
export function isOfProject<R>(source: Source<R>, raw: RawSession<R>, project: string): boolean {
  const path = project === '.' || isAbsolute(project) ? resolve(project) : undefined;
  return readable(source, raw).some(({ session: { projectPath, projectName } }) =>
    path === undefined ? projectName === project : projectPath === path,
  );
}

/** A session that cannot be read belongs to no project that is known. */
function readable<R>(source: Source<R>, raw: RawSession<R>): PreparedSession[] {
  try {
    return readSessions(source, raw, 'summary', {});
  } catch (error) {
    if (isOpenSyncError(error)) return [];
    throw error;
  }
}
