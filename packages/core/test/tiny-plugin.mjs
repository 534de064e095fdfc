// The smallest plugin, as a process: its history is `~/.tiny`. With CRASH set it breaks as no plugin should.
import { createCli, defineSource, filesVersion, jsonl } from '../dist/plugin.js';

const source = defineSource({
  id: 'tiny-tool',
  name: 'Tiny Tool',
  plugin: 'tiny-tool-sync',
  version: '1.0.0',
  files: (env) => [{ folder: `${env.home}/.tiny`, include: ['*.jsonl'] }],
  sessions: (files) =>
    files.map((file) => ({
      id: file.path.replace(/^.*\/|\.jsonl$/g, ''),
      files: [file.path],
      version: filesVersion([file]),
      changedAt: file.mtimeMs,
      load: (_need, report) => jsonl(file.path, { report }),
    })),
  transform(records, { id }) {
    if (process.env.CRASH === 'later') setTimeout(() => undefined.crash, 0);
    if (process.env.CRASH === 'now') return undefined;
    const messages = [...records].map(({ value }) => ({ role: 'user', ...value }));
    return [{ id, messages, calls: [], uncounted: [], problems: [] }];
  },
});

process.exitCode = await createCli(source).run();
