import {
  applyEdits,
  format,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
  stripComments as withoutComments,
} from 'jsonc-parser';
import { OpenSyncError } from '../errors.js';

export { withoutComments };

/** A value of a JSON text, with its place in it. */
export type JsonNode = Node;

export interface JsonRules {
  /** No comments and no trailing commas. */
  strict?: boolean;
}

/** Edits what stands behind a byte order mark, which stays where it is. */
export function behindBom(text: string, edit: (body: string) => string): string {
  const body = withoutBom(text);
  return text.slice(0, text.length - body.length) + edit(body);
}

export function withoutBom(text: string): string {
  return text.replace(/^\uFEFF/, '');
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** For people: a JSON object with a line for each of its values, without comments; another text as it is. */
export function spreadOut(text: string): string {
  const body = withoutComments(withoutBom(text)).trim();
  if (!body.startsWith('{')) return text;
  return applyEdits(body, format(body, undefined, { insertSpaces: true, tabSize: 2 }));
}

/** @throws OpenSyncError `config` with line and column when it is not JSON, or no object */
export function parseDocument(text: string, { strict = false }: JsonRules = {}): JsonNode {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: strict, allowTrailingComma: !strict });
  const [first] = errors;
  if (first !== undefined) {
    const reason = printParseErrorCode(first.error).replace(/\B[A-Z]/g, (letter) => ` ${letter}`);
    throw new OpenSyncError(
      'config',
      `not valid JSON at ${placeOf(text, first.offset)} (${reason.toLowerCase()})`,
    );
  }
  if (root?.type !== 'object') throw new OpenSyncError('config', 'not a JSON object');
  return root;
}

function placeOf(text: string, offset: number): string {
  const lines = text.slice(0, offset).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

export function jsonValue(node: JsonNode): unknown {
  // The parser's objects have no prototype, which makes them unequal to any other.
  return structuredClone(getNodeValue(node));
}

export function elementsOf(node: JsonNode | undefined): JsonNode[] {
  return node?.type === 'array' ? (node.children ?? []) : [];
}

export interface JsonMember {
  name: string;
  value: JsonNode;
  /** Name and value together. */
  property: JsonNode;
}

export function membersOf(node: JsonNode | undefined): JsonMember[] {
  const properties = node?.type === 'object' ? (node.children ?? []) : [];
  return properties.flatMap((property) => {
    const [name, value] = property.children ?? [];
    return name === undefined || value === undefined ? [] : { name: String(name.value), value, property };
  });
}

/** The member that a parser takes: of a name that is there twice the last one. */
export function memberOf(node: JsonNode | undefined, name: string): JsonMember | undefined {
  return membersOf(node).findLast((member) => member.name === name);
}

/** A text with an object in it, to which members can be added. */
export function documentOf(text: string): string {
  return isBlank(text) ? `{}${text.includes('\r\n') ? '\r\n' : '\n'}` : text;
}

/** Adds a member, when it has a name, or an element, at the end, in the style of what is there. */
export function appendValue(text: string, container: JsonNode, value: unknown, name?: string): string {
  const [open, close] = insideOf(container);
  const last = container.children?.at(-1);
  const from = last === undefined ? open : endOf(last);
  const { comma, end } = gapIn(text, from, close);
  const style = styleFor(text, container);
  const member = memberText(value, name, style);
  if (last === undefined) {
    const before = style.lines ? style.lineBreak + style.indent : end > open ? ' ' : '';
    const after = style.lines ? style.lineBreak + indentAt(text, container.offset) : '';
    return text.slice(0, end) + before + member + after + text.slice(close);
  }
  const separator = style.lines ? style.lineBreak + style.indent : ' ';
  return [
    text.slice(0, from),
    comma === undefined ? ',' : '',
    text.slice(from, end),
    separator,
    member,
    comma === undefined ? '' : ',',
    text.slice(end),
  ].join('');
}

/** Takes out a member or an element with its comma. Comments around it stay. */
export function removeValue(text: string, container: JsonNode, node: JsonNode): string {
  const [open, close] = insideOf(container);
  const siblings = container.children ?? [];
  const index = siblings.indexOf(node);
  const previous = siblings[index - 1];
  const next = siblings[index + 1];
  const before = gapIn(text, previous === undefined ? open : endOf(previous), node.offset);
  const after = gapIn(text, endOf(node), next?.offset ?? close);
  const kept = withoutComma(text, before, after.comma === undefined);
  const rest = behindComma(text, endOf(node), after.comma);
  const isOnlyChild = siblings.length === 1 && before.end === open && after.end === endOf(node);
  if (isOnlyChild) return kept + text.slice(close);
  if (before.endsInLineComment && !/^[ \t]*\r?\n/.test(rest)) return kept + lineBreakOf(text) + rest;
  return kept + (before.end === open ? rest.replace(/^ +/, '') : rest);
}

/** The text behind a value and its comma, with the comments between the two. */
function behindComma(text: string, from: number, comma: number | undefined): string {
  if (comma === undefined) return text.slice(from);
  const between = text.slice(from, comma);
  return (isBlank(between) ? '' : between) + text.slice(comma + 1);
}

/** The text up to the end of a gap, without its comma when `drop` says so. */
function withoutComma(text: string, { comma, end }: Gap, drop: boolean): string {
  return drop && comma !== undefined ? text.slice(0, comma) + text.slice(comma + 1, end) : text.slice(0, end);
}

/** Puts another value in a value's place. */
export function replaceValue(text: string, node: JsonNode, value: unknown): string {
  const lines = text.slice(node.offset, endOf(node)).includes('\n');
  const style = { ...styleOf(text), lines, indent: indentAt(text, node.offset) };
  return text.slice(0, node.offset) + memberText(value, undefined, style) + text.slice(endOf(node));
}

function insideOf({ offset, length }: JsonNode): [open: number, close: number] {
  return [offset + 1, offset + length - 1];
}

function endOf({ offset, length }: JsonNode): number {
  return offset + length;
}

/** What stands between two values: white space, comments, and perhaps a comma. */
interface Gap {
  /** Where the comma is. */
  comma: number | undefined;
  /** Behind the last comment or the comma. */
  end: number;
  endsInLineComment: boolean;
}

function gapIn(text: string, from: number, to: number): Gap {
  const gap: Gap = { comma: undefined, end: from, endsInLineComment: false };
  for (const { 0: token, index } of text.slice(from, to).matchAll(/\/\/[^\r\n]*|\/\*[\s\S]*?\*\/|,/g)) {
    if (token === ',') gap.comma = from + index;
    gap.end = from + index + token.length;
    gap.endsInLineComment = token.startsWith('//');
  }
  return gap;
}

interface Style {
  lineBreak: string;
  /** One step. */
  step: string;
  /** Of the values in the container. */
  indent: string;
  /** Whether each value stands on a line of its own. */
  lines: boolean;
}

function styleOf(text: string): Pick<Style, 'lineBreak' | 'step'> {
  return { lineBreak: lineBreakOf(text), step: /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ' };
}

function lineBreakOf(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? '\n';
}

function styleFor(text: string, container: JsonNode): Style {
  const style = styleOf(text);
  const [open, close] = insideOf(container);
  const children = container.children ?? [];
  const first = children.find(({ offset }) => isBlank(lineBefore(text, offset)));
  const indent =
    first === undefined ? indentAt(text, container.offset) + style.step : lineBefore(text, first.offset);
  const [start, last] = [children[0], children.at(-1)];
  if (start === undefined || last === undefined) return { ...style, indent, lines: text.includes('\n') };
  const around = text.slice(open, start.offset) + text.slice(endOf(last), close);
  return { ...style, indent, lines: around.includes('\n') };
}

/** The text between the start of a line and a place in it. */
function lineBefore(text: string, offset: number): string {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
}

function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(lineBefore(text, offset))?.[0] ?? '';
}

function memberText(
  value: unknown,
  name: string | undefined,
  { lines, step, lineBreak, indent }: Style,
): string {
  const json = lines
    ? JSON.stringify(value, null, step).replaceAll('\n', lineBreak + indent)
    : JSON.stringify(value);
  return name === undefined ? json : `${JSON.stringify(name)}: ${json}`;
}
