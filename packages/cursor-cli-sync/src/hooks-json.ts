import { isFields, isOpenSyncError } from '@opensync/core/plugin';
import { isBlank, parseDocument } from '@opensync/core/trigger';

/*
 * What the client makes of hooks.json: it takes out comments with two regular expressions, in texts as
 * well, and leaves out the whole file for a single thing in it that it does not know.
 */

const EVENTS = new Set([
  'beforeShellExecution',
  'beforeMCPExecution',
  'afterShellExecution',
  'afterMCPExecution',
  'beforeReadFile',
  'afterFileEdit',
  'beforeTabFileRead',
  'afterTabFileEdit',
  'stop',
  'beforeSubmitPrompt',
  'afterAgentResponse',
  'afterAgentThought',
  'sessionStart',
  'sessionEnd',
  'preCompact',
  'subagentStart',
  'subagentStop',
  'preToolUse',
  'postToolUse',
  'postToolUseFailure',
  'workspaceOpen',
]);

/** Why the client would leave out a file with this text; undefined when it would not. */
export function loadProblem(text: string): string | undefined {
  // The client's reader takes an empty file for none.
  if (isBlank(text) && !text.startsWith('\uFEFF')) return undefined;
  if (text.startsWith('\uFEFF')) return 'it begins with a byte order mark';
  const settings = parseAsClient(text);
  return settings === undefined ? syntaxProblem(text) : settingsProblem(settings);
}

/** Why the client's reader stumbles over a text. */
function syntaxProblem(text: string): string {
  try {
    parseDocument(text);
  } catch (error) {
    if (isOpenSyncError(error)) return `it is ${error.message}`;
    throw error;
  }
  const tokens = text.match(/"(?:\\.|[^"\\])*"|\/\/.*|\/\*[\s\S]*?\*\//g) ?? [];
  const cut = tokens.find((token) => token.startsWith('"') && /\/\/|\/\*/.test(token));
  if (cut === undefined) return 'it has a comma behind the last entry of a list';
  return `${cut} has "${cut.includes('//') ? '//' : '/*'}" in it, which Cursor takes for a comment`;
}

function parseAsClient(text: string): unknown {
  try {
    return JSON.parse(text.replace(/\/\/.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, ''));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function settingsProblem(settings: unknown): string | undefined {
  if (!isFields(settings)) return 'it is not a JSON object';
  const { version, hooks } = settings;
  if (!isPositiveInteger(version)) return '"version" is not a whole number from 1';
  if (!isFields(hooks)) return '"hooks" is missing, or not an object';
  for (const [event, entries] of Object.entries(hooks)) {
    if (!EVENTS.has(event)) return `"${event}" is not an event that Cursor knows`;
    if (!Array.isArray(entries)) return `"hooks.${event}" is not an array`;
    const wrong = entries.map(entryProblem).find((problem) => problem !== undefined);
    if (wrong !== undefined) return `an entry of "hooks.${event}" ${wrong}`;
  }
  return undefined;
}

function entryProblem(entry: unknown): string | undefined {
  if (!isFields(entry)) return 'is not an object';
  const {
    type = 'command',
    matcher = '',
    timeout = 1,
    loop_limit: loopLimit = null,
    failClosed = false,
  } = entry;
  if (type !== 'command' && type !== 'prompt') return 'has an unknown "type"';
  if (typeof entry[type] !== 'string' || (type === 'prompt' && entry.prompt === ''))
    return `has no "${type}"`;
  if (typeof matcher !== 'string' || !isPattern(matcher))
    return 'has a "matcher" that is no regular expression';
  if (typeof timeout !== 'number' || timeout <= 0) return 'has a "timeout" that is no positive number';
  if (loopLimit !== null && !isPositiveInteger(loopLimit))
    return 'has a "loop_limit" that is no whole number';
  return typeof failClosed === 'boolean' ? undefined : 'has a "failClosed" that is neither true nor false';
}

function isPattern(text: string): boolean {
  if (text === '*') return true;
  try {
    return new RegExp(text) !== undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function isPositiveInteger(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1;
}
