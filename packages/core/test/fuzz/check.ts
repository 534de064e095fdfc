import type { Reading, ReadSession } from './read.js';

interface Readings {
  /** The file that was damaged, absolute. */
  file: string;
  /** Before anything was damaged. */
  whole: Reading;
  damaged: Reading;
  /** With what was damaged left out. */
  without?: Reading | undefined;
  /** The damaged file with empty lines where it has lines that are no JSON. */
  unbroken?: Reading | undefined;
  /** What is missing is so because lines are no JSON. */
  mustTell: boolean;
  /** Of other sessions nothing can be said. */
  mixes: boolean;
}

/** What must be so, whatever has become of a file. */
export function check(readings: Readings): string[] {
  const { whole, damaged, without, unbroken, mustTell, mixes } = readings;
  return [
    ...damaged.faults,
    ...(mixes ? [] : othersUnchanged(readings)),
    ...(without === undefined ? [] : sameWithout(whole, without, damaged)),
    ...(unbroken === undefined ? [] : sameUnbroken(unbroken, damaged)),
    ...(mustTell ? lossIsTold(readings) : []),
  ];
}

/** Whether a raw session is read from the file; where none says so, any may be. */
export function isOwner(
  file: string,
  rawId: string,
  { whole, damaged }: { whole: Reading; damaged?: Reading },
): boolean {
  const owns = (reading: Reading | undefined) => reading?.files.get(rawId)?.includes(file) === true;
  if (owns(whole) || owns(damaged)) return true;
  return ![...whole.files.values()].some((files) => files.includes(file));
}

/** Sessions that are not read from the file are what they were. */
function othersUnchanged({ file, whole, damaged }: Readings): string[] {
  const found: string[] = [];
  for (const [id, session] of whole.sessions) {
    const { rawId } = session;
    if (isOwner(file, rawId, { whole, damaged }) || !damaged.ms.has(rawId)) continue;
    found.push(...differences(`another session, ${id}`, session, damaged.sessions.get(id)));
  }
  for (const [rawId, reason] of damaged.failed) {
    if (!isOwner(file, rawId, { whole, damaged }))
      found.push(`${rawId} failed for another's file: ${reason}`);
  }
  return found;
}

/** A message that is the same without what was damaged must be the same with it. */
function sameWithout(whole: Reading, without: Reading, damaged: Reading): string[] {
  const found: string[] = [];
  for (const [id, session] of whole.sessions) {
    const [rest, now] = [without.sessions.get(id), damaged.sessions.get(id)];
    if (rest === undefined || damaged.failed.has(session.rawId)) continue;
    const kept = new Map(rest.messages.map((message) => [message.id, message.content]));
    const independent = session.messages.filter((message) => kept.get(message.id) === message.content);
    found.push(...missing(`${id}, untouched`, independent, now));
  }
  return found;
}

function sameUnbroken(unbroken: Reading, damaged: Reading): string[] {
  const found: string[] = [];
  for (const [id, session] of unbroken.sessions)
    found.push(...differences(`${id}, without its broken lines`, session, damaged.sessions.get(id)));
  for (const id of damaged.sessions.keys()) {
    if (!unbroken.sessions.has(id)) found.push(`${id} is there only with broken lines`);
  }
  return found;
}

/** Where lines are lost because they are no JSON, somebody is told. */
function lossIsTold({ file, whole, damaged }: Readings): string[] {
  const isTold = damaged.problems.some(
    ({ location, message }) => location?.file === file || message.includes(file),
  );
  if (isTold || damaged.failed.size > 0) return [];
  return [...whole.sessions]
    .filter(([, { rawId }]) => isOwner(file, rawId, { whole, damaged }))
    .flatMap(([id, session]) =>
      missing(`${id}, and no word of it`, session.messages, damaged.sessions.get(id)),
    );
}

function differences(name: string, before: ReadSession, after: ReadSession | undefined): string[] {
  const found = missing(name, before.messages, after);
  const known = new Set(before.messages.map(({ id }) => id));
  for (const { id } of after?.messages ?? []) if (!known.has(id)) found.push(`${name}: ${id} is new`);
  return found;
}

function missing(name: string, messages: ReadSession['messages'], after: ReadSession | undefined): string[] {
  const found: string[] = [];
  const contents = new Map(after?.messages.map(({ id, content }) => [id, content]));
  for (const { id, content } of messages) {
    const now = contents.get(id);
    if (now === undefined) found.push(`${name}: ${id} is missing`);
    else if (withoutTokens(now) !== withoutTokens(content))
      found.push(`${name}: ${id} was ${shortOf(content)} and is ${shortOf(now)}`);
  }
  return found;
}

/** One count of several that is damaged makes tokens unknown, or others. */
function withoutTokens(content: string): string {
  const { promptTokens: _, completionTokens: __, ...rest } = JSON.parse(content);
  return JSON.stringify(rest);
}

function shortOf(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
