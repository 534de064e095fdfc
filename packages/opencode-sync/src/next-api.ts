import { listOf, type SqlRow } from '@opensync/core/plugin';
import { fieldsOf, type OpencodeRecord, textOf } from './records.js';

/**
 * Sessions made through the client's second API (`/api/session`, 1.17 and later) have their messages
 * in `session_message` instead: one row each, with its content inside. Read as if they were in the
 * other two tables.
 */
export function nextApiRecords(row: SqlRow, data: unknown, file: string): OpencodeRecord[] {
  const { id, rowid, type, time_created: created } = row;
  const fields = fieldsOf(data);
  if (fields === undefined) return [];
  const at = { file, line: Number(rowid) };
  const message = (value: object): OpencodeRecord => {
    return { kind: 'message', id: String(id), value: { time: { created }, ...value }, ...at };
  };
  const part = (value: object, index: number): OpencodeRecord => {
    return { kind: 'part', id: `${id}:${index}`, value, ...at };
  };
  if (type === 'assistant') {
    const { id: modelID, providerID } = fieldsOf(fields.model) ?? {};
    const parts = listOf(fields.content).flatMap(contentPart);
    // An answer is one step, which has ended when it has tokens.
    const end =
      fields.tokens === undefined ? [] : [{ type: 'step-finish', tokens: fields.tokens, cost: fields.cost }];
    const all = [{ type: 'step-start' }, ...parts, ...end];
    return [message({ role: 'assistant', modelID, providerID, error: fields.error }), ...all.map(part)];
  }
  if (type === 'shell') {
    const { callID, command, output } = fields;
    const state = { status: 'completed', input: { command }, output };
    return [message({ role: 'assistant' }), part({ type: 'tool', tool: 'bash', callID, state }, 0)];
  }
  const text = textOf(fields.text) ?? textOf(fields.summary);
  if (text === undefined) return [];
  const files = listOf(fields.files).flatMap(filePart);
  const parts = [{ type: 'text', text, synthetic: type !== 'user' }, ...files];
  return [message({ role: 'user' }), ...parts.map(part)];
}

function contentPart(content: unknown): object[] {
  const { type, id, name, state: toolState, ...rest } = fieldsOf(content) ?? {};
  if (type !== 'tool') return [{ type, ...rest }];
  const state = fieldsOf(toolState) ?? {};
  const results = listOf(state.content);
  const output = results.flatMap((result) => textOf(fieldsOf(result)?.text) ?? []).join('\n');
  const error = textOf(fieldsOf(state.error)?.message) ?? output;
  return [
    {
      type,
      tool: name,
      callID: id,
      state: { ...state, output, error, attachments: results.flatMap(filePart) },
    },
  ];
}

function filePart(value: unknown): object[] {
  const file = fieldsOf(value);
  const mime = textOf(file?.mime);
  return mime === undefined ? [] : [{ type: 'file', mime, url: file?.uri ?? file?.url }];
}
