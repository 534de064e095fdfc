import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/* The least that a sync with nothing to do has to do: start, list every file and look at its size and time. */

let bytes = 0;
let latest = 0;
visit(join(process.env.CLAUDE_CONFIG_DIR, 'projects'));
process.stdout.write(`${bytes} ${latest}\n`);

function visit(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) visit(path);
    else look(path);
  }
}

function look(path) {
  const { size, mtimeMs } = statSync(path);
  bytes += size;
  latest = Math.max(latest, mtimeMs);
}
