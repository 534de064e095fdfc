/**
 * Secrets that only their surroundings give away: `password: hunter2`, `API_KEY=...`, `--token ...`.
 * Two questions decide: does the name promise a credential, and does the value look like one?
 */

type CredentialName = 'password' | 'token';

/** How much the surroundings promise: `.env` assignments most, unquoted words in code or prose least. */
type Confidence = 'high' | 'medium' | 'low';

export interface Span {
  start: number;
  end: number;
  kind: string;
}

/** Words after the credential's name that do not change what it is: API_KEY_PROD, PASSWORD_2. */
const neutralTail =
  /^(?:prod|production|dev|development|staging|stage|test|testing|live|local|old|new|current|primary|secondary|default|base|value|val|raw|plain|plaintext|text|b64|base64|encoded|string|header|\d{1,3})$/;
const passwordName = /(?:passwords?|passwd|passphrase|passcode|pwd)$/;
const tokenName =
  /(?:secrets?|token|authorization|credentials?|apikeys?|(?:access|secret|private|encryption|signing|master|auth|account|shared|service|session|storage|license|webhook|deploy|admin|root|user|bot|hmac|aes|jwt|crypto|cipher|subscription|integration|application|app|project|server|storage)key)$/;
/** Names of things that are shared on purpose, count something, or mark a position. */
const harmlessWord =
  /^(?:public|pub|publishable|max|min|num|total|count|prompt|completion|input|output|cached?|reasoning|page|next|prev|previous|continuation|continue|cursor|sync|pagination|resume|eos|bos|pad|unk|sep|cls|mask|special|stop|start|end|begin|design|syntax|cancellation|cancel|abort|injection|is|has|use|uses|show|hide|allow|enable|disable|require|requires|forgot|no)$/;

function words(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '');
}

/** What kind of credential a variable, field or header of this name holds, if any. */
export function credentialName(name: string): CredentialName | undefined {
  const parts = words(name.slice(-100));
  while (parts.length > 1 && neutralTail.test(parts.at(-1) ?? '')) parts.pop();
  if (parts.some((word) => harmlessWord.test(word))) return undefined;
  const last = parts.at(-1);
  if (last === 'pass') return 'password';
  if (last === 'auth' || last === 'pat') return 'token';
  const compact = parts.join('');
  if (passwordName.test(compact)) return 'password';
  return tokenName.test(compact) ? 'token' : undefined;
}

const placeholder =
  /x{5}|abcdefghij|\*{3}|\.{3}|…|•{3}|0{12}|example|placeholder|change[-_ ]?(?:me|this|it)|redacted|dummy|foobar|replace[-_ ]?(?:me|this|with)|(?:^|[^a-z])(?:your|insert|enter|put|todo|tbd|fixme)(?:[^a-z]|$)|\$\{|\$\(|\{\{|%\(|<[\w .-]{0,60}>|^your/i;

/** Stands for a secret in documentation, templates and tests, or is a redaction already. */
export function isPlaceholder(value: string): boolean {
  return placeholder.test(value.slice(0, 400)) || (value.length >= 12 && isMonotonous(value));
}

/** Fewer than six different characters: `0000-0000-0000`, `abcabcabcabc`. */
function isMonotonous(value: string): boolean {
  const seen = new Set<string>();
  for (let index = 0; index < value.length && index < 200; index += 1) {
    seen.add(value[index] ?? '');
    if (seen.size === 6) return false;
  }
  return true;
}

const defaultPassword =
  /^(?:\$\w+|%[sdv]|pass(?:word|wd|phrase)?|pw|pwd|secret|token|key|admin|root|test|user|guest|postgres|mysql|none|null|nil|undefined|true|false)$/i;

/** The password of a URL, unless it is one of those that every example and container uses. */
export function isDefaultPassword(value: string): boolean {
  return defaultPassword.test(value);
}

const reference =
  /^(?:\$[A-Za-z_]\w*$|%\w+%$|%[sdv]$|@\{|\{\w*\}$|:\w+$|&\w|(?:this|self|process|os|import|env|secrets|vars?|config|settings|options|opts|args|params|props|ctx|req|request|res|response|data|local|each|values?|input|module|window|document|state|user|body|event|github|steps|inputs)(?:\.|\[|\?\.)|op:\/\/|vault:|arn:|file:|ref\+|keyring:|sm:\/\/|ssm:|~\/|\.{1,2}\/|\/[a-z]{2,}(?:[/._-]|$)|[A-Za-z]:\\|#[\w-]+$)|:\/\//;
const dottedPath = /^[A-Za-z_$][\w$]{0,80}(?:\??\.[A-Za-z_$][\w$]{0,80}){1,8}$/;
const constantName = /^[A-Z][A-Z_]+$/;
/** Something that is called after a credential is not one: `passwordInput`, `auth.token`. */
const namesCredential = /pass(?:word|wd|phrase)|secret|token|api[-_]?key|credential|_key$|Key$/i;
/** Words and small numbers: names, versions, labels. */
const wordy = /^[A-Za-z]+\d{0,3}(?:[-_.:/@#+][A-Za-z]*\d{0,4})*$/;
const trialWord =
  /^(?:test|my|the|some|fake|sample|demo|mock|valid|invalid|wrong|bad|expired|stub)(?:[-_]|$)/i;
const emptyWord =
  /^(?:required|optional|password|string|incorrect|correct|invalid|disabled|enabled|undefined|unchanged|hidden|visible|missing|inherit|include|included|omitted|provided|encrypted|generated|function|boolean|number|object|default|forgotten|unknown|anonymous|sensitive|protected|plaintext|nopasswd)$/;

/** Whether a value under a credential's name is the credential itself. */
export function isCredential(value: string, name: CredentialName, confidence: Confidence): boolean {
  if (value.length < (name === 'password' ? 6 : 8)) return false;
  if (isPlaceholder(value) || reference.test(value) || constantName.test(value)) return false;
  if (/\s/.test(value) || defaultPassword.test(value) || trialWord.test(value)) return false;
  const hasDigit = /\d/.test(value);
  if (!hasDigit && (namesCredential.test(value) || emptyWord.test(value) || dottedPath.test(value)))
    return false;
  if (name === 'password') return isPassword(value, hasDigit, confidence);
  return isToken(value, hasDigit, confidence);
}

function isPassword(value: string, hasDigit: boolean, confidence: Confidence): boolean {
  if (confidence === 'high') return true;
  if (confidence === 'low')
    return hasDigit && !/^[?]|^0x/.test(value) && !namesCredential.test(value) && !dottedPath.test(value);
  if (hasDigit) return !/^0x[\da-f]{1,16}[ul]{0,3}$|^[a-z]+\|/i.test(value);
  // A single lower-case word or four of them may be a password; one with capitals is a label or a name.
  return /^[a-z]{8,}$/.test(value) || /^[a-z]+(?:[-_.][a-z]+){3,}$/.test(value) || /[!@$%^&*+=~]/.test(value);
}

function isToken(value: string, hasDigit: boolean, confidence: Confidence): boolean {
  if (/^[\d.,:-]+$|^0x[\da-f]{1,16}[ul]{0,3}$/i.test(value) || /[<>(){}]/.test(value)) return false;
  if (confidence === 'high') return true;
  if (!hasDigit || !/[A-Za-z]/.test(value) || wordy.test(value)) return false;
  if (confidence === 'medium') return true;
  if (!/^[\w.~+/%-]+={0,2}$/.test(value)) return false;
  return (
    value.length >= 12 && !namesCredential.test(value) && !dottedPath.test(value) && /\d\D*\d/.test(value)
  );
}

/** What stands between a name and its value. */
const connections = [
  // `key: string = "..."`, where the quote tells a type from a value
  String.raw`:[ \t]?[\w<>.|[\]]{1,30}[ \t]?=[ \t]?(?=["'])`,
  String.raw`\\{0,7}["'\`]?\]?[ \t]{0,8}(?:=>|:[=-]|\?=|!?={1,3}|:)[ \t]{0,8}`,
  // `"name": "KEY", "value": "..."`
  String.raw`\\{0,7}["']?(?:,\s{0,40}|\s{1,40})\\{0,7}["']?value\\{0,7}["']?\s{0,4}[:=]\s{0,4}`,
  // `--flag value`, `"--flag", "value"`
  String.raw`["']?(?:,\s{0,4}|[ \t]{1,4})(?<=--[\w-]{0,40}["']?[,\s]{1,5})`,
  // `set("X-Api-Key", "...")`
  String.raw`["'],[ \t]{0,4}(?=["'])`,
  // `login me password ...`, `set KEY ...`, `#define KEY "..."`, `PASSWORD '...'`
  String.raw`[ \t]{1,4}(?<=(?:login[ \t]{1,4}\S{1,80}\s{1,4}password|\b(?:set|setx|define)[ \t]{1,4}[\w.]{1,60})[ \t]{1,4})`,
  String.raw`[ \t]{1,4}(?=["'])(?<=passw(?:or)?d[ \t]{1,4})`,
  // `<name>value`
  String.raw`>(?<=<[\w:.-]{0,60}>)`,
  ' is ',
];
/** A name from its keyword on, which may begin earlier, and the connection. */
const assignmentPattern = new RegExp(
  String.raw`((?:pass|pwd|secret|token|key|cred|auth|[-_]pat)[\w.-]{0,40}(?: access key)?(?: \[[^\]\n]{0,24}\])?)` +
    `(?:${connections.join('|')})`,
  'gi',
);
const scheme = /(?:bearer|basic|token|bot|digest|apikey|api-key|key|oauth|negotiate)[ \t]{1,4}/iy;
const openingQuote = /[bfru]?(\\{0,7}["'`])/y;
const colorCode = /\p{Cc}\[[\d;]{0,12}m/uy;
const bareValue = /[^\s"'`,;&<>(){}[\]|\\\p{Cc}]{1,128}/uy;
const lineValue = /[^\s"'`\\\p{Cc}]{1,128}/uy;
const longRun = /[^\s"'`,;&<>(){}[\]|\\\p{Cc}]*/uy;
const environmentName = /^[A-Z][A-Z\d_]*$/;
const maximumQuoted = 16_384;

interface Value {
  start: number;
  end: number;
  text: string;
  quoted: boolean;
}

/** Every value in the text that its name gives away. Calls `found` from left to right. */
export function findAssigned(text: string, found: (span: Span) => void): void {
  /** A text repeats few names many times. */
  const known = new Map<string, CredentialName | undefined>();
  assignmentPattern.lastIndex = 0;
  for (let match = assignmentPattern.exec(text); match !== null; match = assignmentPattern.exec(text)) {
    const valueAt = assignmentPattern.lastIndex;
    const name = fullName(text, match.index, match[1] ?? '');
    if (!known.has(name)) known.set(name, credentialName(name));
    const credential = known.get(name);
    const span =
      credential === undefined ? undefined : assignedSpan(text, { name, credential, match, valueAt });
    if (span !== undefined) found(span);
    assignmentPattern.lastIndex = span?.end ?? valueAt;
  }
}

interface Assignment {
  name: string;
  credential: CredentialName;
  match: RegExpExecArray;
  valueAt: number;
}

function assignedSpan(text: string, assignment: Assignment): Span | undefined {
  const { name, credential, match, valueAt } = assignment;
  const nameAt = match.index + (match[1] ?? '').length - name.length;
  const isEnvironment = environmentName.test(name) && text[valueAt - 1] === '=';
  const value = readValue(text, valueAt, isEnvironment && startsLine(text, nameAt));
  if (value === undefined || isCall(text, value)) return undefined;
  // `<password>` is an element only when another tag follows; else it stands for a password.
  if (/[^=]>$/.test(match[0]) && text[value.end] !== '<') return undefined;
  const confidence = confidenceOf(text, assignment, value);
  if (!isCredential(value.text, credential, confidence)) return undefined;
  return { start: value.start, end: wholeRun(text, value), kind: kindOf(name, credential) };
}

function confidenceOf(text: string, { name, match }: Assignment, value: Value): Confidence {
  const matched = match[0];
  if (environmentName.test(name) && matched.endsWith('=')) return 'high';
  const isFlag =
    !/[:=]/.test(matched) && /--[\w-]*$/.test(text.slice(Math.max(0, match.index - 64), match.index));
  // `["password", "username"]` is a list as often as a header and its value.
  const isPair = /["'],[ \t]*$/.test(matched) && !isFlag;
  if (isPair) return 'low';
  if (value.quoted || isFlag || matched.endsWith('>') || /authorization$/i.test(name)) return 'medium';
  // `DB_PASSWORD: word` ends its line in YAML; in a comment it goes on.
  const endsLine = /^[ \t]*(?:[\n\r#]|$)/.test(text.slice(value.end, value.end + 40));
  return environmentName.test(name) && endsLine && !value.text.startsWith('?') ? 'medium' : 'low';
}

export function kindOf(name: string, credential: CredentialName): string {
  if (credential === 'password') return 'password';
  if (/authorization$/i.test(name)) return 'authorization';
  return /aws.*secret|secret.?access.?key/i.test(name) ? 'aws-secret-key' : 'credential';
}

/** The pattern finds a name from its keyword on; the rest of it stands before, at most 64 characters. */
function fullName(text: string, index: number, tail: string): string {
  let start = index;
  while (start > 0 && index - start < 64 && isNameCode(text.charCodeAt(start - 1))) start -= 1;
  // The first letters may belong to what stands before: `\nPASSWORD=`, `[32mPASSWORD=`.
  const rest = /^\\[nrt]|^\[[\d;]{0,12}m/.exec(
    text.slice(Math.max(0, start - 1), Math.min(start + 13, index)),
  );
  if (rest !== null) start += rest[0].length - 1;
  const name = (text.slice(start, index) + tail).replace(/ \[.*$/, '');
  if (tail.toLowerCase() !== 'key' || start !== index) return name.replace(/^[-$.]+/, '');
  const qualifier = /\b(?:api|access|secret|private|auth)[ ]$/i.exec(
    text.slice(Math.max(0, index - 10), index),
  );
  return qualifier === null ? name : qualifier[0] + name;
}

/** Of `[\w$.-]`; by code, because every letter of every name passes here. */
function isNameCode(code: number): boolean {
  if (code >= 97) return code <= 122;
  if (code >= 65) return code <= 90 || code === 95;
  return (code >= 48 && code <= 57) || code === 36 || code === 45 || code === 46;
}

/** At the start of a line, of a quoted argument, or after `export` and its kin. */
function startsLine(text: string, index: number): boolean {
  const before = text.slice(Math.max(0, index - 16), index);
  return (
    /(?:^|[\n\r]|\\n|["'`])[ \t]{0,8}[+>-]?[ \t]{0,8}(?:export |set |ENV |ARG |-e |- )?$/.test(before) ||
    /(?:^|\s)(?:export|-e|ENV|set|env) $/.test(before)
  );
}

function readValue(text: string, from: number, toLineEnd: boolean): Value | undefined {
  colorCode.lastIndex = from;
  const at = colorCode.test(text) ? colorCode.lastIndex : from;
  openingQuote.lastIndex = at;
  const quote = openingQuote.exec(text)?.[1];
  if (quote !== undefined) return quotedValue(text, openingQuote.lastIndex, quote);
  const start = afterScheme(text, at);
  const pattern = toLineEnd ? lineValue : bareValue;
  pattern.lastIndex = start;
  const found = pattern.exec(text)?.[0].replace(/[,;]$/, '');
  return found === undefined
    ? undefined
    : { start, end: start + found.length, text: found, quoted: start > at };
}

function quotedValue(text: string, at: number, quote: string): Value | undefined {
  const start = afterScheme(text, at);
  const line = text.slice(start, start + maximumQuoted);
  let length = line.indexOf(quote);
  // A quote that the text itself escapes is part of the value.
  while (quote.length === 1 && length > 0 && line[length - 1] === '\\')
    length = line.indexOf(quote, length + 1);
  // Looked for only up to the closing quote: a text of nothing but quotes has to stay linear.
  const upToQuote = length === -1 ? line : line.slice(0, length);
  const newline = upToQuote.search(/[\n\r]/);
  length = newline === -1 ? upToQuote.length : newline;
  return { start, end: start + length, text: line.slice(0, length), quoted: true };
}

function afterScheme(text: string, at: number): number {
  scheme.lastIndex = at;
  return scheme.test(text) ? scheme.lastIndex : at;
}

function isCall(text: string, value: Value): boolean {
  return !value.quoted && /[([]/.test(text[value.end] ?? '');
}

/** A value is judged by its beginning and redacted to its end. */
function wholeRun(text: string, value: Value): number {
  if (value.end - value.start < 128) return value.end;
  longRun.lastIndex = value.end;
  return longRun.test(text) ? longRun.lastIndex : value.end;
}
