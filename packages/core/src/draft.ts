import type { ApiCall, Location, Message, Part, Session } from './types.js';

/** A session while a `transform` reads it. */
export interface SessionDraft {
  /** What is known so far; fields are set as records tell them. */
  session: Session;
  /** Shows a message. Results in it go behind their calls, as with `addResult`; one without parts is left out. */
  addMessage(message: Message, location?: Location): void;
  /** Puts a result directly behind the call of the same id, wherever that is; its name is the call's. */
  addResult(result: { id: string; result: string; isError?: boolean; location?: Location }): void;
  /**
   * Notes a request that a model answered. With `uncounted` it is not on this session's bill, and that says
   * why: it failed, or another session made it.
   */
  addCall(call: ApiCall, uncounted?: string): void;
  /** Says, once for each type, that records of a type nobody has described were left out. */
  leaveOut(type: unknown, location?: Location): void;
  /**
   * The session, with what follows from its messages where no record said so: first and last time, the first
   * prompt as its title, and the name of the project. Copies count for none of it, but for the title of a
   * session that has nothing else yet. Where no own message is shown, its times are those of its calls. None
   * when there is neither a message nor a call: a bill without words is one all the same.
   */
  finish(): Session[];
}

export function draftSession(id: string): SessionDraft {
  const session: Session = { id, messages: [], calls: [], uncounted: [], problems: [] };
  /** Messages that made a call, by the call's id. */
  const callers = new Map<string, Message>();
  const addResult: SessionDraft['addResult'] = ({ id: callId, result, isError, location }) => {
    const parts = callers.get(callId)?.parts ?? [];
    const index = parts.findIndex((part) => part.type === 'tool-call' && part.id === callId);
    const [call, next] = [parts[index], parts[index + 1]];
    if (call?.type !== 'tool-call') {
      const message = 'The result of a tool whose call is not in the history was left out.';
      session.problems.push({ message, ...(location && { location }) });
      return;
    }
    const part: Part = { type: 'tool-result', id: callId, name: call.name, result };
    if (isError === true) part.isError = true;
    const isRepeated = next?.type === 'tool-result' && next.id === callId;
    parts.splice(index + 1, isRepeated ? 1 : 0, part);
  };
  return {
    session,
    addMessage(message, location) {
      const results = message.parts.filter((part) => part.type === 'tool-result');
      if (results.length > 0) message.parts = message.parts.filter((part) => part.type !== 'tool-result');
      if (message.parts.length > 0) session.messages.push(message);
      for (const part of message.parts) if (part.type === 'tool-call') callers.set(part.id, message);
      for (const result of results) addResult({ ...result, location });
    },
    addResult,
    addCall(call, reason) {
      if (reason === undefined) session.calls.push(call);
      else session.uncounted.push({ id: call.id, reason, ...(call.location && { location: call.location }) });
    },
    leaveOut(type, location) {
      const message =
        typeof type === 'string'
          ? `Records of the unknown type "${type}" were left out.`
          : 'Records without a type were left out.';
      if (session.problems.some((problem) => problem.message === message)) return;
      session.problems.push({ message, ...(location && { location }) });
    },
    finish() {
      if (session.messages.length === 0 && session.calls.length === 0) return [];
      const own = session.messages.filter(({ copied }) => copied !== true);
      for (const { createdAt } of own.length > 0 ? own : session.calls) {
        if (createdAt === undefined) continue;
        session.createdAt = Math.min(session.createdAt ?? createdAt, createdAt);
        session.updatedAt = Math.max(session.updatedAt ?? createdAt, createdAt);
      }
      const title = session.title ?? firstPrompt(own) ?? firstPrompt(session.messages);
      if (title !== undefined) session.title = title;
      const name = session.projectName ?? lastComponent(session.projectPath);
      if (name !== undefined) session.projectName = name;
      return [session];
    },
  };
}

/** An image or other file in base64: what it is and how large, never its bytes. */
export function filePart(mediaType: string | undefined, base64: string | undefined): Part {
  const part: Part = { type: 'file', mediaType: mediaType ?? 'application/octet-stream' };
  return base64 === undefined ? part : { ...part, bytes: Buffer.byteLength(base64, 'base64') };
}

function firstPrompt(messages: readonly Message[]): string | undefined {
  for (const { role, injected, parts } of messages) {
    if (role !== 'user' || injected === true) continue;
    const text = parts.flatMap((part) => (part.type === 'text' ? [part.text.trim()] : [])).join('\n');
    if (text !== '') return text;
  }
  return undefined;
}

function lastComponent(path: string | undefined): string | undefined {
  return path?.split(/[/\\]/).findLast((name) => name !== '');
}
