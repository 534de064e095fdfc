import type { Part } from '@opensync/core/plugin';
import { fieldsOf, type PartRecord, textOf } from './records.js';

/** A part and the tool's own id of it. */
export interface OwnPart {
  id: string;
  part: PartRecord;
}

/** What one part shows; nothing for the client's own bookkeeping and for types that are not known. */
export function contentOf({ id, part }: OwnPart): Part[] {
  switch (part.type) {
    case 'text':
      return part.text ? [{ type: 'text', text: part.text }] : [];
    case 'reasoning':
      return part.text ? [{ type: 'thinking', text: part.text }] : [];
    case 'file':
      return [filePart(part)];
    case 'tool':
      return toolParts(id, part);
    default:
      return [];
  }
}

/** Bytes are known only of what the client embedded; a `file:` URL stands for whatever lies there now. */
function filePart({ mime, url }: PartRecord): Part {
  const file: Part = { type: 'file', mediaType: mime ?? 'application/octet-stream' };
  const [head, data] = url?.startsWith('data:') ? url.split(',', 2) : [];
  if (head !== undefined && data !== undefined) {
    file.bytes = Buffer.byteLength(data, head.endsWith(';base64') ? 'base64' : 'utf8');
  }
  return file;
}

function toolParts(id: string, { tool, callId = id, state }: PartRecord): Part[] {
  // The client's own tool that answers a call of one that does not exist.
  const isInvalid = tool === 'invalid';
  const asked = isInvalid ? textOf(fieldsOf(state?.input)?.tool) : undefined;
  const name = asked ?? tool ?? 'unknown';
  const call: Part = { type: 'tool-call', id: callId, name, args: state?.input ?? {} };
  if (state?.status !== 'completed' && state?.status !== 'error') return [call];
  const isError = isInvalid || state.status === 'error';
  const result = (state.status === 'error' ? state.error : state.output) ?? '';
  const answer: Part = { type: 'tool-result', id: callId, name, result, ...(isError && { isError }) };
  return [call, answer, ...state.attachments.map(filePart)];
}
