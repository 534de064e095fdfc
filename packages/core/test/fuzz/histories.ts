import { join } from 'node:path';
import { source as claudeCode } from '../../../claude-code-sync/src/source.js';
import { source as codex } from '../../../codex-sync/src/source.js';
import { source as cursor } from '../../../cursor-cli-sync/src/source.js';
import { keep } from '../../../cursor-cli-sync/src/usage-record.js';
import { source as opencode } from '../../../opencode-sync/src/source.js';
import type { Source } from '../../src/source.js';
import { type Files, readFiles } from '../faults/history.js';

export interface History {
  /** The plugin and the version of the client. */
  name: string;
  source: Source;
  /** By path below the home. */
  files: Files;
  /** Files that may be damaged. */
  targets: string[];
}

/** Later than every record. */
export const NOW = Date.UTC(2026, 11, 1);

/** Histories that the real tools wrote. @param packages the folder with the plugins */
export function loadHistories(packages: string): History[] {
  const fixture = (plugin: string, path: string) => join(packages, plugin, 'fixtures', path);
  const claudeAt = (version: string, project: string) =>
    history(claudeCode, `${version}/${project}`, [
      fixture('claude-code-sync', `${version}/projects/${project}`),
      `.claude/projects/${project}`,
    ]);
  const codexAt = (version: string) => history(codex, version, [fixture('codex-sync', version), '.codex']);
  const opencodeAt = (version: string) =>
    history(opencode, version, [fixture('opencode-sync', `${version}/opencode`), '.local/share/opencode']);
  return [
    claudeAt('2.0.37-2.1.74', '-home-dev-work-2037'),
    claudeAt('2.0.37-2.1.74', '-home-dev-work-2174'),
    claudeAt('2.1.330', '-home-dev-work'),
    claudeAt('2.1.330', '-home-dev-resume-proj'),
    ...['0.20.0', '0.34.0', '0.77.0', '0.98.0', '0.142.5', '0.160.1', '0.169.0'].map(codexAt),
    ...['1.18.33', '1.18.33', '1.18.33-wal', '1.1.65', '0.5.29'].map(opencodeAt),
    cursorHistory(fixture('cursor-cli-sync', '2026.09.10')),
  ];
}

function history<R>(source: Source<R>, version: string, [folder, prefix]: [string, string]): History {
  const files = readFiles(folder, prefix);
  files.delete(join(prefix, 'expected.json'));
  // Shared memory is not read, and made anew by whoever opens the database.
  const targets = [...files.keys()].filter((path) => /\.(jsonl|json|txt|db|db-wal)$/.test(path));
  return { name: `${source.plugin} ${version}`, source: source as Source, files, targets };
}

/** With what the hooks would have written down. */
function cursorHistory(folder: string): History {
  const found = history(cursor, '2026.09.10', [join(folder, 'home'), '']);
  const lines = [...readFiles(join(folder, 'hooks'), '').values()]
    .flatMap((content) => content.toString().split('\n'))
    .flatMap((payload) => (payload === '' ? [] : (keep(payload, NOW) ?? [])));
  const journal = '.cursor-cli-sync/usage/turns.jsonl';
  const files = new Map(found.files).set(journal, Buffer.from(`${lines.join('\n')}\n`));
  const targets = [...found.targets, journal].filter(
    (path) => !/(hooks|prompt_history|cli-config)\.json$/.test(path),
  );
  return { ...found, files, targets };
}
