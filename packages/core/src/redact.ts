import {
  credentialName,
  findAssigned,
  isCredential,
  isDefaultPassword,
  isPlaceholder,
  kindOf,
  type Span,
} from './redact-context.js';
import { homeRewriter } from './redact-home.js';
import { type Matched, type Rule, rules } from './redact-rules.js';
import type { Message, Part, Problem, Session } from './types.js';

export interface RedactOptions {
  /** Secrets known by their value, such as the plugin's own API key. Shorter than 8 characters: ignored. */
  secrets?: readonly string[];
  /** Home directory of the user, absolute, by each path that leads to it: written as `~`. */
  homes?: readonly string[];
}

const marker = '[redacted:';
const shortestLiteral = 8;
/** What one pass leaves can only matter to another when a marker became a new boundary; two suffice. */
const maximumPasses = 4;

interface Start {
  keyword: string;
  rule: Rule;
}

/** The rules by the first three characters of their keywords. */
function indexRules(): Map<string, Start[]> {
  const index = new Map<string, Start[]>();
  for (const rule of rules) {
    for (const keyword of rule.keywords) {
      const start = keyword.slice(0, 3);
      index.set(start, [...(index.get(start) ?? []), { keyword, rule }]);
    }
  }
  return index;
}

/**
 * A hash of three characters in a row that forgets the one before them: five bits each. One table
 * look-up a character is twice as fast as a pattern of all keywords, which V8 tries one by one.
 */
function nextHash(hash: number, code: number): number {
  return ((hash << 5) ^ code) & 0x7fff;
}

function hashStarts(starts: Iterable<string>): Uint8Array {
  const table = new Uint8Array(0x8000);
  for (const start of starts) {
    let hash = 0;
    for (let index = 0; index < 3; index += 1) hash = nextHash(hash, start.charCodeAt(index));
    table[hash] = 1;
  }
  return table;
}

const startsOfRules = indexRules();
const isStart = hashStarts(startsOfRules.keys());

/**
 * The text with every secret replaced by `[redacted:<kind>]` and not another character changed;
 * the same string when there is none. Redacting twice changes nothing more.
 */
export function redactText(text: string, options: RedactOptions = {}): string {
  return textRedactor(options)(text);
}

type RedactString = (text: string) => string;

/** `redactText` with its options worked out once, for many strings. */
function textRedactor(options: RedactOptions): RedactString {
  const literals = literalForms(options.secrets ?? []);
  const withoutHome = homeRewriter(options.homes ?? []);
  return (text) => {
    let result = withoutHome(text);
    for (let pass = 0; pass < maximumPasses; pass += 1) {
      const spans = findSecrets(result, literals);
      if (spans.length === 0) break;
      result = replaceSpans(result, spans);
    }
    return result;
  };
}

function findSecrets(text: string, literals: readonly string[]): Span[] {
  const spans: Span[] = [];
  const add = (span: Span): void => {
    spans.push(span);
  };
  for (const literal of literals) findLiteral(text, literal, add);
  findFormats(text, add);
  findAssigned(text, add);
  return merged(spans);
}

/** A secret as it stands in plain text, in JSON and in a URL; the longest first. */
function literalForms(secrets: readonly string[]): string[] {
  const forms = secrets
    .filter((secret) => secret.length >= shortestLiteral)
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      /\p{Surrogate}/u.test(secret) ? secret : encodeURIComponent(secret),
    ]);
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

function findLiteral(text: string, literal: string, found: (span: Span) => void): void {
  for (
    let start = text.indexOf(literal);
    start !== -1;
    start = text.indexOf(literal, start + literal.length)
  ) {
    if (!isInsideMarker(text, start)) found({ start, end: start + literal.length, kind: 'secret' });
  }
}

function isInsideMarker(text: string, index: number): boolean {
  const before = text.slice(Math.max(0, index - 48), index + marker.length);
  const opened = before.lastIndexOf(marker);
  return opened !== -1 && !before.slice(opened, before.length - marker.length).includes(']');
}

function findFormats(text: string, found: (span: Span) => void): void {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) {
    hash = nextHash(hash, text.charCodeAt(index));
    if (isStart[hash] === 1) index = Math.max(index, matchAt(text, index - 2, found) - 1);
  }
}

/** Tries the rules whose keyword stands at `at`. Returns where to go on. */
function matchAt(text: string, at: number, found: (span: Span) => void): number {
  let next = at + 1;
  for (const { keyword, rule } of startsOfRules.get(text.slice(at, at + 3)) ?? []) {
    const match = text.startsWith(keyword, at) ? matchRule(rule, text, at) : undefined;
    if (match === undefined) continue;
    if (match.isSecret) found(match);
    // Also past a placeholder: a long run of them would be read again from each of its keywords.
    next = Math.max(next, match.end);
  }
  return next;
}

function matchRule(rule: Rule, text: string, index: number): (Span & { isSecret: boolean }) | undefined {
  rule.pattern.lastIndex = index;
  const match = rule.pattern.exec(text);
  if (match === null) return undefined;
  const matched = matchedSecret(rule, match);
  const extent = rule.extent === undefined ? matched : rule.extent(text, matched);
  const secret = text.slice(matched.start, matched.end);
  const isSecret = extent !== undefined && !isPlaceholder(secret) && !isDefaultPassword(secret);
  return { ...(extent ?? matched), kind: rule.kind, isSecret };
}

function matchedSecret(rule: Rule, match: RegExpExecArray): Matched {
  const whole: [number, number] = [match.index, match.index + match[0].length];
  const [start, end] = (rule.group === undefined ? undefined : match.indices?.[rule.group]) ?? whole;
  const before = rule.before === undefined ? undefined : match.indices?.[rule.before];
  return { start: before?.[0] ?? start, end };
}

/** Overlapping spans become one, named after the longest of them, the first found among equals. */
function merged(spans: Span[]): Span[] {
  const result: Span[] = [];
  let longest = 0;
  for (const span of spans.sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    const length = span.end - span.start;
    if (last === undefined || span.start >= last.end) {
      result.push({ ...span });
      longest = length;
      continue;
    }
    last.end = Math.max(last.end, span.end);
    if (length > longest) {
      last.kind = span.kind;
      longest = length;
    }
  }
  return result;
}

function replaceSpans(text: string, spans: readonly Span[]): string {
  const pieces: string[] = [];
  let position = 0;
  for (const span of spans) {
    pieces.push(text.slice(position, span.start), `${marker}${span.kind}]`);
    position = span.end;
  }
  pieces.push(text.slice(position));
  return pieces.join('');
}

type Container = unknown[] | Record<string, unknown>;

/** One container on the way down. `changed` holds new entries, by position, and stays absent without any. */
interface Frame {
  container: Container;
  keys: readonly string[] | undefined;
  position: number;
  changed: Map<number, [key: string, value: unknown]> | undefined;
}

/**
 * `redactText` over every string and every key of a JSON value, and over strings whose key promises
 * a credential. The same reference when nothing was found. Keeps its own stack: a tool's arguments
 * may be nested deeper than calls can be.
 */
export function redactValue(value: unknown, options: RedactOptions = {}): unknown {
  return redactJson(value, textRedactor(options));
}

function redactJson(value: unknown, redact: RedactString): unknown {
  if (typeof value === 'string') return redact(value);
  if (!isContainer(value)) return value;
  const stack: Frame[] = [frameOf(value)];
  for (;;) {
    const frame = stack.at(-1) as Frame;
    if (frame.position < sizeOf(frame)) {
      const child = childAt(frame, frame.position);
      if (isContainer(child)) stack.push(frameOf(child));
      else settle(frame, redactLeaf(frame, child, redact), redact);
      continue;
    }
    const done = rebuilt(frame);
    stack.pop();
    const parent = stack.at(-1);
    if (parent === undefined) return done;
    settle(parent, done, redact);
  }
}

function isContainer(value: unknown): value is Container {
  if (Array.isArray(value)) return true;
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function frameOf(container: Container): Frame {
  const keys = Array.isArray(container) ? undefined : Object.keys(container);
  return { container, keys, position: 0, changed: undefined };
}

function sizeOf(frame: Frame): number {
  return frame.keys?.length ?? (frame.container as unknown[]).length;
}

function childAt({ container, keys }: Frame, position: number): unknown {
  return Array.isArray(container) ? container[position] : container[keys?.[position] ?? ''];
}

/** Notes what became of the entry at the frame's position and goes on to the next. */
function settle(frame: Frame, value: unknown, redact: RedactString): void {
  const key = frame.keys?.[frame.position] ?? '';
  const newKey = redact(key);
  if (newKey !== key || !Object.is(value, childAt(frame, frame.position))) {
    frame.changed ??= new Map();
    frame.changed.set(frame.position, [newKey, value]);
  }
  frame.position += 1;
}

function rebuilt({ container, keys, changed }: Frame): Container {
  if (changed === undefined) return container;
  if (Array.isArray(container)) {
    return container.map((value, index) => (changed.has(index) ? changed.get(index)?.[1] : value));
  }
  const used = new Map<string, number>();
  const entries = (keys ?? []).map((key, index): [string, unknown] => {
    const [newKey, value] = changed.get(index) ?? [key, container[key]];
    return [newKey === key ? key : numbered(newKey, used), value];
  });
  return Object.fromEntries(entries);
}

/** Two secrets that are keys of one object would otherwise become one entry. */
function numbered(key: string, used: Map<string, number>): string {
  const count = (used.get(key) ?? 0) + 1;
  used.set(key, count);
  return count === 1 ? key : `${key} ${count}`;
}

function redactLeaf(frame: Frame, value: unknown, redact: RedactString): unknown {
  if (typeof value !== 'string') return value;
  const name = nameOfLeaf(frame);
  const credential = name === undefined ? undefined : credentialName(name);
  if (name !== undefined && credential !== undefined) {
    const confidence = /^[A-Z][A-Z\d_]*$/.test(name) ? 'high' : 'medium';
    const bare = value.replace(/^(?:bearer|basic|token) {1,4}/i, '');
    if (isCredential(bare, credential, confidence)) {
      return `${value.slice(0, value.length - bare.length)}${marker}${kindOf(name, credential)}]`;
    }
  }
  return redact(value);
}

function nameOfLeaf(frame: Frame): string | undefined {
  const name = givenName(frame);
  return typeof name === 'string' && /^[\w.$ -]{1,100}$/.test(name) ? name : undefined;
}

/** What names the string: its key, the `name` beside a `value`, the flag before an argument. */
function givenName({ container, keys, position }: Frame): unknown {
  if (Array.isArray(container)) {
    const before = container[position - 1];
    return typeof before === 'string' && before.startsWith('-') ? before : undefined;
  }
  const key = keys?.[position];
  return key === 'value' ? (container.name ?? container.key) : key;
}

/** The session without its secrets; ids, models and numbers stay. The same reference when there are none. */
export function redactSession(session: Session, options: RedactOptions = {}): Session {
  const redact = textRedactor(options);
  return replaced(session, {
    ...textsOf(session, ['title', 'projectPath', 'projectName', 'gitBranch'], redact),
    ...nameOfHome(session, redact),
    messages: mapped(session.messages, (message) => redactMessage(message, redact)),
    problems: mapped(session.problems, (problem) => redactProblem(problem, redact)),
  });
}

/** A project that is the home directory itself is called after it, which is the name of the user. */
function nameOfHome({ projectPath, projectName }: Session, redact: RedactString): Partial<Session> {
  const path = projectPath?.replace(/(?<=.)[\\/]+$/, '');
  const isHome = path !== undefined && projectName !== undefined && redact(path) === '~';
  return isHome && /[^\\/]*$/.exec(path)?.[0] === projectName ? { projectName: '~' } : {};
}

function redactMessage(message: Message, redact: RedactString): Message {
  return replaced(message, { parts: mapped(message.parts, (part) => redactPart(part, redact)) });
}

function redactProblem(problem: Problem, redact: RedactString): Problem {
  return replaced(problem, { message: redact(problem.message) });
}

function redactPart(part: Part, redact: RedactString): Part {
  switch (part.type) {
    case 'text':
    case 'thinking':
      return replaced(part, { text: redact(part.text) });
    case 'tool-call':
      return replaced(part, { args: redactJson(part.args, redact) });
    case 'tool-result':
      return replaced(part, { result: redact(part.result) });
    case 'file':
      return part;
  }
}

function textsOf<K extends string>(
  record: { [P in K]?: string },
  keys: readonly K[],
  redact: RedactString,
): { [P in K]?: string } {
  const result: { [P in K]?: string } = {};
  for (const key of keys) {
    const text = record[key];
    if (text !== undefined) result[key] = redact(text);
  }
  return result;
}

/** `record` with `fields`, or `record` itself when it has them already. */
function replaced<T extends object>(record: T, fields: Partial<T>): T {
  const keys = Object.keys(fields) as (keyof T)[];
  return keys.every((key) => Object.is(record[key], fields[key])) ? record : { ...record, ...fields };
}

function mapped<T>(list: T[], change: (item: T) => T): T[] {
  const result = list.map(change);
  return result.every((item, index) => Object.is(item, list[index])) ? list : result;
}
