import { isFields } from './read/values.js';

/**
 * How much of a session leaves the machine: all of it without its secrets, its numbers, or nothing.
 * In the order of what they give away, the least first.
 */
const PRIVACY_LEVELS = ['off', 'metadata', 'full'] as const;
export type PrivacyLevel = (typeof PRIVACY_LEVELS)[number];

/** The setting `privacy`. */
export interface PrivacySetting {
  /** For sessions that no project says anything about, and those without a path. Absent means full. */
  default?: PrivacyLevel | undefined;
  /** The first whose path a session's project lies in decides. */
  projects?: ProjectPrivacy[] | undefined;
}

export interface ProjectPrivacy {
  /** A folder and all below it. `*` and `?` stand for characters of a name, `**` for any folders, `~` for the home directory. */
  path: string;
  level: PrivacyLevel;
}

/** Path to the first part that makes a value no such setting, empty for the value itself; undefined when it is one. */
export function wrongPrivacyAt(value: unknown): string[] | undefined {
  if (!isFields(value)) return [];
  // A name that is not known is a wrong one: what it was to keep here would leave.
  const unknown = Object.keys(value).find((name) => name !== 'default' && name !== 'projects');
  if (unknown !== undefined) return [unknown];
  const { default: level, projects = [] } = value;
  if (level !== undefined && !isPrivacyLevel(level)) return ['default'];
  if (!Array.isArray(projects)) return ['projects'];
  const index = projects.findIndex((project) => !isProject(project));
  return index === -1 ? undefined : ['projects', String(index)];
}

export function isPrivacyLevel(value: unknown): value is PrivacyLevel {
  return (PRIVACY_LEVELS as readonly unknown[]).includes(value);
}

/** A relative path would never match. */
function isProject(value: unknown): boolean {
  if (!isFields(value) || Object.keys(value).some((name) => name !== 'path' && name !== 'level'))
    return false;
  const { path, level } = value;
  return (
    typeof path === 'string' &&
    /^(?:[\\/]|~(?:[\\/]|$)|\*\*|[A-Za-z]:[\\/])/.test(path) &&
    isPrivacyLevel(level)
  );
}
