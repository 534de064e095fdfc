import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  type Env,
  type HookCommand,
  OpenSyncError,
  type SettingsFile,
  type Trigger,
} from '@opensync/core/plugin';
import {
  appendValue,
  behindBom,
  documentOf,
  elementsOf,
  findProgram,
  hooksFile,
  inspectSettings,
  isBlank,
  jsonValue,
  memberOf,
  membersOf,
  parseDocument,
  removeValue,
  withoutBom,
} from '@opensync/core/trigger';
import { loadProblem } from './hooks-json.js';

/** None of those that carry prompts or the contents of files: the session is read from its files. */
const EVENTS = { sessionStart: {}, stop: {}, subagentStop: {}, sessionEnd: {} };

export const trigger: Trigger = {
  program: { name: 'cursor-agent', verified: '2026.09.10' },
  isInstalled: (env) => findProgram(env, 'cursor-agent') !== undefined || existsSync(cursorFolder(env)),
  settings: (env, hook) => [hooksJson(env, hook)],
  afterSetup: ['A chat that is open now takes part when it is started again.'],
  check: (env) => {
    const path = hooksPath(env);
    return inspectSettings(path, (text) => {
      const problem = loadProblem(text);
      if (problem === undefined) return [];
      const remedy = 'Correct it; until then no hook in it runs.';
      return [{ level: 'error', text: `Cursor leaves out all of ${path}: ${problem}.`, remedy }];
    });
  },
};

/** Wherever the environment puts other files: the client looks for hooks here alone. */
function cursorFolder(env: Env): string {
  return join(env.home, '.cursor');
}

function hooksPath(env: Env): string {
  return join(cursorFolder(env), 'hooks.json');
}

function hooksJson(env: Env, hook: HookCommand): SettingsFile {
  // The client counts anything but this for a failure.
  const file = hooksFile({
    path: hooksPath(env),
    hook,
    events: EVENTS,
    instead: "echo '{}'",
    predecessors: ['cursor-sync'],
  });
  return {
    ...file,
    add(text) {
      const added = file.add(behindBom(text, withVersion));
      const problem = loadProblem(added);
      if (problem === undefined) return added;
      throw new OpenSyncError('config', `Cursor would leave out the whole file: ${problem}`);
    },
    remove(text, before) {
      const removed = file.remove(text, before);
      return removed === text ? text : behindBom(removed, (body) => withoutVersion(body, before));
    },
  };
}

function withVersion(text: string): string {
  const document = documentOf(text);
  const root = parseDocument(document);
  return memberOf(root, 'version') === undefined ? appendValue(document, root, 1, 'version') : document;
}

/** Takes it out where it was not there before, unless somebody else's new hooks need it by now. */
function withoutVersion(text: string, before = '{}'): string {
  if (isBlank(text)) return text;
  const root = parseDocument(text);
  const version = memberOf(root, 'version');
  const original = parseDocument(documentOf(withoutBom(before)));
  if (version === undefined || memberOf(original, 'version') !== undefined) return text;
  const removed = removeValue(text, root, version.property);
  const left = parseDocument(removed);
  const hooks = membersOf(memberOf(left, 'hooks')?.value).flatMap(({ value }) => elementsOf(value));
  if (hooks.length > 0 && !isDeepStrictEqual(jsonValue(left), jsonValue(original))) return text;
  return isBlank(before) && membersOf(left).length === 0 ? before : removed;
}
