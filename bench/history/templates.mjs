import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIXTURES = fileURLToPath(
  new URL('../../packages/claude-code-sync/fixtures/2.1.330/projects', import.meta.url),
);

/** Real lines by kind, to be filled with other ids, times, texts and counts. */
export function readTemplates() {
  const hash = createHash('sha256');
  const byKind = new Map();
  for (const file of transcripts()) {
    const text = readFileSync(join(FIXTURES, file), 'utf8');
    hash.update(text);
    for (const line of text.split('\n').filter((each) => each !== '')) addTemplate(byKind, JSON.parse(line));
  }
  return {
    digest: hash.digest('hex').slice(0, 16),
    of(kind) {
      const found = byKind.get(kind);
      if (found === undefined) throw new Error(`The fixtures hold no line of kind "${kind}".`);
      return found;
    },
  };
}

function transcripts() {
  return readdirSync(FIXTURES, { recursive: true })
    .filter((file) => file.endsWith('.jsonl') && !file.includes('subagents'))
    .sort();
}

/** A fork's marks name a session that the generated history does not hold. */
function addTemplate(byKind, { forkedFrom: _mark, requestSessionId: _owner, ...line }) {
  const kind = kindOf(line);
  byKind.set(kind, [...(byKind.get(kind) ?? []), line]);
}

function kindOf(line) {
  const content = line.message?.content;
  if (line.type === 'assistant') {
    if (line.message.model === '<synthetic>' || line.isAbortedMidStream === true)
      return 'assistant by the client';
    const [block] = content;
    return `assistant ${block.type === 'tool_use' ? block.name : block.type}`;
  }
  if (line.type === 'user') return userKind(line, content);
  if (line.type === 'system') return `system ${line.subtype}`;
  if (line.type === 'attachment') return `attachment ${line.attachment.type}`;
  return line.type;
}

function userKind(line, content) {
  if (typeof content === 'string') return isTyped(line) ? 'prompt' : 'notice';
  if (content[0]?.type !== 'tool_result') return 'user blocks';
  const result = line.toolUseResult;
  if (typeof result === 'string') return 'result error';
  if (result?.agentId !== undefined && result.usage !== undefined) return 'result Agent';
  if (result?.originalFile !== undefined) return result.type === 'create' ? 'result Write' : 'result Edit';
  if (result?.file !== undefined) return 'result Read';
  return result?.stdout !== undefined && result.persistedOutputPath === undefined
    ? 'result Bash'
    : 'result other';
}

function isTyped({ origin, isMeta, isCompactSummary }) {
  return origin === undefined && isMeta !== true && isCompactSummary !== true;
}
