import { join } from 'node:path';
import type { Random } from '../harness/random.js';
import { type Files, readFiles } from './history.js';
import type { ToolName } from './job.js';

/** Files that belong together: a session with its subagents, or sessions of which one is a copy. */
type Group = Map<string, Buffer>;

export interface Fixtures {
  claude: Group[];
  /** Whole projects of older clients, which mark neither forks nor subagents. */
  oldClaude: Group[];
  codex: Group[];
}

/** Larger ones take longer and say nothing else. */
const MAX_BYTES = 45_000;

/** Transcripts that the real tools wrote. */
export function loadFixtures(packages: string): Fixtures {
  const claude = join(packages, 'claude-code-sync', 'fixtures');
  const codex = join(packages, 'codex-sync', 'fixtures', '0.169.0');
  const recent = readFiles(join(claude, '2.1.330', 'projects'), '.claude/projects');
  const old = readFiles(join(claude, '2.0.37-2.1.74', 'projects'), '.claude/projects');
  return {
    claude: groupBy(recent, (path) =>
      path.includes('resume-proj')
        ? 'a session and its fork'
        : (/[0-9a-f]{8}-[0-9a-f-]{27}/.exec(path)?.[0] ?? path),
    ),
    oldClaude: groupBy(old, (path) => path.split('/')[2] ?? path, Number.POSITIVE_INFINITY),
    codex: groupBy(readFiles(join(codex, 'sessions'), '.codex/sessions'), (path) => path),
  };
}

function groupBy(files: Files, keyOf: (path: string) => string, maxBytes = MAX_BYTES): Group[] {
  const groups = new Map<string, Group>();
  for (const [path, content] of files) {
    if (!/\.jsonl?$/.test(path)) continue;
    const group = groups.get(keyOf(path)) ?? new Map<string, Buffer>();
    groups.set(keyOf(path), group.set(path, content));
  }
  return [...groups.values()].filter((group) =>
    [...group.values()].every(({ length }) => length <= maxBytes),
  );
}

/** A small history of one tool. */
export function pickHistory(fixtures: Fixtures, random: Random): { tool: ToolName; files: Group } {
  const kind = random.weighted({ claude: 6, oldClaude: 2, codex: 3 });
  const groups = kind === 'oldClaude' ? [random.pick(fixtures.oldClaude)] : pickSome(fixtures[kind], random);
  const files = new Map(groups.flatMap((group) => [...group]));
  return { tool: kind === 'codex' ? 'codex-cli' : 'claude-code', files };
}

function pickSome(groups: readonly Group[], random: Random): Group[] {
  return random.shuffle(groups).slice(0, random.int(1, 4));
}
