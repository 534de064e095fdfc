import { isAbsolute, resolve } from 'node:path';
import { readSessions } from '../session.js';
import type { RawSession, Source } from '../source.js';

/** Whether a session belongs to a project, named by its absolute path, by "." or by its name. */
export function isOfProject<R>(source: Source<R>, raw: RawSession<R>, project: string): boolean {
  const path = project === '.' || isAbsolute(project) ? resolve(project) : undefined;
  return readSessions(source, raw, 'summary', {}).some(({ session }) => {
    const { projectPath, projectName } = session;
    return path === undefined ? projectName === project : projectPath === path;
  });
}
