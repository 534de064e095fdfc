import { posix } from 'node:path';
import type { PrivacyLevel, PrivacySetting } from './privacy-setting.js';
import type { Message, Part, Session } from './types.js';

export interface PrivacyOptions {
  /** Home directory of the user, absolute. */
  home: string;
  /** Whether upper and lower case name the same folder. */
  ignoresCase: boolean;
  /** A folder by its real name, as tools know the folder that they run in; as it is when it is not there. */
  realpath(path: string): string;
}

type LevelOf = (projectPath: string | undefined) => PrivacyLevel;

/** The level of a session by the path of its project. */
export function levelsOf(setting: PrivacySetting | undefined, options: PrivacyOptions): LevelOf {
  const { default: fallback = 'full', projects = [] } = setting ?? {};
  const rules = projects.map(({ path, level }) => ({ level, matches: matcherOf(path, options) }));
  return (projectPath) => {
    if (projectPath === undefined) return fallback;
    const path = normal(projectPath);
    return rules.find(({ matches }) => matches(path))?.level ?? fallback;
  };
}

function matcherOf(
  pattern: string,
  { home, ignoresCase, realpath }: PrivacyOptions,
): (path: string) => boolean {
  const absolute = normal(pattern.replace(/^~(?=[\\/]|$)/, () => home)).replace(/(?:\/\*\*)+$/, '') || '/';
  const names = absolute.split('/');
  const first = names.findIndex((name) => /[*?]/.test(name));
  // What a tool recorded may be the folder that a symbolic link in the pattern leads to.
  const fixed = first === -1 ? absolute : names.slice(0, first).join('/');
  const real = fixed === '' ? fixed : normal(realpath(fixed));
  const regexps = [...new Set([absolute, real + absolute.slice(fixed.length)])].map(
    (path) => new RegExp(`^${sourceOf(path)}(?:/|$)`, ignoresCase ? 'iu' : 'u'),
  );
  return (path) => regexps.some((regexp) => regexp.test(path));
}

/** With `/` between names, without `..` and without a slash at the end. */
function normal(path: string): string {
  const slashed = /^[A-Za-z]:[\\/]|^\\\\/.test(path) ? path.replaceAll('\\', '/') : path;
  const result = posix.normalize(slashed.normalize('NFC'));
  return result.length > 1 ? result.replace(/\/$/, '') : result;
}

function sourceOf(path: string): string {
  if (path === '/') return '';
  const names = path.split('/').map((name) => {
    if (name === '**') return name;
    return name
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]');
  });
  return names
    .join('/')
    .replaceAll('/**/', '/(?:[^/]+/)*')
    .replace(/^\*\*\//, '(?:.*/)?')
    .replaceAll('**', '.*');
}

/** The level of each session: that of its own project, for a subagent without one that of its parent. */
export function levelsIn(sessions: readonly Session[], levelOf: LevelOf): Map<string, PrivacyLevel> {
  const byId = new Map(sessions.map((session) => [session.id, session]));
  const pathOf = (session: Session): string | undefined => {
    const seen = new Set<string>();
    let next: Session | undefined = session;
    while (next !== undefined && next.projectPath === undefined && !seen.has(next.id)) {
      seen.add(next.id);
      next = next.parentId === undefined ? undefined : byId.get(next.parentId);
    }
    return next?.projectPath;
  };
  return new Map(sessions.map((session) => [session.id, levelOf(pathOf(session))]));
}

/** A title is needed: without one the server does not take updates reliably. */
const TITLE = 'Private session';

/**
 * What may leave of a session at the level `metadata`: who spoke when, how much, with which model and
 * tool, what it cost. No text, no arguments, no results, no title, and nothing that names the project.
 */
export function metadataOf(session: Session): Session {
  const { projectPath: _, projectName: __, gitBranch: ___, ...rest } = session;
  return { ...rest, title: TITLE, messages: session.messages.map(withoutContent) };
}

function withoutContent(message: Message): Message {
  return { ...message, parts: message.parts.flatMap((part) => sizeOf(part) ?? []) };
}

function sizeOf(part: Part): Part | undefined {
  switch (part.type) {
    case 'text':
      return part.text === '' ? part : { type: 'text', text: `[${part.text.length} characters]` };
    case 'thinking':
      return undefined;
    case 'tool-call':
      return { ...part, args: {} };
    case 'tool-result':
      return { ...part, result: `[${part.result.length} characters]` };
    case 'file':
      return part;
  }
}
