import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { errorCode, errorMessage, isOpenSyncError, OpenSyncError } from '../errors.js';
import type { Env, SettingsFile } from '../source.js';
import { writeFileAtomic } from '../write-file.js';
import { readTarget, requireWritable, type Target, textOf } from './settings-target.js';
import {
  digestOf,
  type FileRecord,
  readRecord,
  recordPath,
  type SetupRecord,
  writeRecord,
} from './setup-record.js';

/** Whose settings are edited, and where it is remembered what they were. */
export interface InstallPlace {
  plugin: string;
  env: Env;
}

/** A settings file that will change. */
export interface SettingsChange {
  /** As the tool names it; perhaps a symbolic link to the file that changes. */
  path: string;
  target: Target;
  /** Undefined when it is deleted. */
  after: Buffer | undefined;
  /** Folders that go with it when they are empty, the outermost first. */
  folders: string[];
}

/** Worked out, and nothing changed yet. */
export interface InstallPlan {
  changes: SettingsChange[];
  recordPath: string;
  /** What is remembered before and after. */
  record: { before: SetupRecord; after: SetupRecord };
  /** Files of an earlier setup that hold entries nobody can take out any more; see `removalOf`. */
  left: string[];
}

/**
 * What `setup` would change; without changes it is set up already.
 * @throws OpenSyncError `config` when one of the files cannot be read, edited or written
 */
export function planSetup({ plugin, env }: InstallPlace, files: readonly SettingsFile[]): InstallPlan {
  const path = recordPath(plugin, env);
  const before = readRecord(path);
  const plan: InstallPlan = {
    changes: [],
    recordPath: path,
    record: { before, after: { ...before } },
    left: [],
  };
  for (const file of files) {
    const target = readTarget(file.path);
    const text = textOf(file.path, target.bytes);
    const retired = edited(file.path, () => file.retire?.(text) ?? text);
    const added = edited(file.path, () => file.add(retired));
    if (added === text) continue;
    requireWritable(file.path, target);
    const after = Buffer.from(added);
    const folders = [...(before[file.path]?.folders ?? []), ...target.missingFolders];
    plan.changes.push({ path: file.path, target, after, folders });
    plan.record.after[file.path] = {
      before: originalOf(file, retired === text ? target.bytes : Buffer.from(retired), before[file.path]),
      written: digestOf(after),
      folders,
    };
  }
  return plan;
}

/** What to go back to: what there was before the first setup, with what others have changed since. */
function originalOf(
  file: SettingsFile,
  bytes: Buffer | undefined,
  known: FileRecord | undefined,
): string | null {
  if (bytes === undefined) return null;
  if (known !== undefined && isAsWritten(bytes, known)) return known.before;
  const original = withoutOurs(file, bytes, known);
  return original === undefined ? null : original.toString('base64');
}

/** Undefined stands for: nothing is left, and there was no file. */
function withoutOurs(file: SettingsFile, bytes: Buffer, known: FileRecord | undefined): Buffer | undefined {
  const text = textOf(file.path, bytes);
  const before = known?.before == null ? undefined : Buffer.from(known.before, 'base64');
  const beforeText = known && textOf(file.path, before);
  const removed = edited(file.path, () => file.remove(text, beforeText));
  if (removed === text) return bytes;
  return removed === '' && known?.before === null ? undefined : Buffer.from(removed);
}

function isAsWritten(bytes: Buffer, known: FileRecord): boolean {
  return digestOf(bytes) === known.written;
}

/**
 * What `setup --remove` would change: files that nobody has touched since become what they were, byte for
 * byte; out of the others only our entries are taken.
 * @throws OpenSyncError `config` when one of the files cannot be read, edited or written
 */
export function planRemoval({ plugin, env }: InstallPlace, files: readonly SettingsFile[]): InstallPlan {
  const path = recordPath(plugin, env);
  const before = readRecord(path);
  const plan: InstallPlan = { changes: [], recordPath: path, record: { before, after: {} }, left: [] };
  for (const settings of new Set([...files.map((file) => file.path), ...Object.keys(before)])) {
    const target = readTarget(settings);
    const known = before[settings];
    if (target.bytes === undefined) continue;
    if (known !== undefined && isAsWritten(target.bytes, known)) {
      const original = known.before === null ? undefined : Buffer.from(known.before, 'base64');
      plan.changes.push({ path: settings, target, after: original, folders: known.folders });
      continue;
    }
    const file = editorOf(settings, files);
    if (file === undefined) {
      plan.left.push(settings);
      // What it was stays known, for a run with the variable that names it.
      if (known !== undefined) plan.record.after[settings] = known;
      continue;
    }
    const after = withoutOurs({ ...file, path: settings }, target.bytes, known);
    if (after !== target.bytes)
      plan.changes.push({ path: settings, target, after, folders: known?.folders ?? [] });
  }
  for (const change of plan.changes) requireWritable(change.path, change.target);
  return plan;
}

/** A file that is not the tool's any more, since a variable names another folder now, is edited like its successor. */
function editorOf(path: string, files: readonly SettingsFile[]): SettingsFile | undefined {
  return (
    files.find((file) => file.path === path) ?? files.find((file) => basename(file.path) === basename(path))
  );
}

function edited(path: string, edit: () => string): string {
  try {
    return edit();
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    const message = `${path}: ${error.message}. Nothing was changed. Correct the file, then run this again.`;
    throw new OpenSyncError(error.kind, message, { cause: error });
  }
}

/**
 * Carries a plan out, whole or not at all.
 * @throws OpenSyncError `config` when a file cannot be written; all are then as they were
 */
export function applyPlan(plan: InstallPlan): void {
  for (const { path, target } of plan.changes) requireUnchanged(path, target);
  const done: SettingsChange[] = [];
  let current = plan.recordPath;
  try {
    // First, so that whatever a crash leaves is known to be ours.
    if (Object.keys(plan.record.after).length > 0) writeRecord(plan.recordPath, plan.record.after);
    for (const change of plan.changes) {
      current = change.path;
      write(change.target, change.after, change.folders);
      done.unshift(change);
    }
    current = plan.recordPath;
    writeRecord(plan.recordPath, plan.record.after);
  } catch (cause) {
    for (const { target } of done) write(target, target.bytes, target.missingFolders);
    for (const { target } of plan.changes) removeEmpty(target.missingFolders);
    writeRecord(plan.recordPath, plan.record.before);
    const reason = errorCode(cause) ?? errorMessage(cause);
    const remedy = 'Check the permissions of its folder and the space on the disk.';
    throw new OpenSyncError('config', `Cannot write ${current} (${reason}). ${remedy} Nothing was changed.`, {
      cause,
    });
  }
}

function requireUnchanged(path: string, { bytes }: Target): void {
  const now = readTarget(path).bytes;
  if (bytes === undefined ? now === undefined : now?.equals(bytes) === true) return;
  throw new OpenSyncError('config', `${path} has just been changed by another program. Run this again.`);
}

function write({ path, mode }: Target, bytes: Buffer | undefined, folders: readonly string[]): void {
  if (bytes !== undefined) {
    writeFileAtomic(path, bytes, mode === undefined ? {} : { mode });
    return;
  }
  rmSync(path, { force: true });
  removeEmpty(folders);
}

/** @param folders the outermost first */
function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders.toReversed()) {
    if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  }
}
