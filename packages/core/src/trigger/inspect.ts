import { isOpenSyncError } from '../errors.js';
import type { Finding } from '../source.js';
import { readTarget, textOf } from './settings-target.js';

/**
 * What `look` finds in a settings file; nothing when there is none. A file that cannot be read, or an
 * OpenSyncError that `look` throws, is a finding too.
 */
export function inspectSettings(path: string, look: (text: string) => Finding[]): Finding[] {
  try {
    const { bytes } = readTarget(path);
    return bytes === undefined ? [] : look(textOf(path, bytes));
  } catch (error) {
    if (!isOpenSyncError(error)) throw error;
    const text = error.message.includes(path)
      ? error.message
      : `Nothing in ${path} is in force: ${error.message}.`;
    return [{ level: 'error', text, remedy: 'Correct the file.' }];
  }
}
