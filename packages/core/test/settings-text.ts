import fc from 'fast-check';

/** White space and comments as people leave them between the tokens of a settings file. */
const GAPS = [
  '',
  '',
  '',
  ' ',
  '\n',
  '\n  ',
  '\n\t',
  '\r\n    ',
  '  // a note\n',
  ' /* a note, with a comma */ ',
  '//\r\n',
];

/** How tokens are put together: what stands between them, and where a comma may follow the last value. */
interface Layout {
  gap(): string;
  trailingComma(): boolean;
}

/** A JSON object and a text of it, with odd spacing and comments where they are allowed. */
export function settingsText(
  value: fc.Arbitrary<Record<string, unknown>>,
  { strict = false } = {},
): fc.Arbitrary<{ value: Record<string, unknown>; text: string }> {
  const gaps = strict ? GAPS.filter((gap) => gap.trim() === '') : GAPS;
  const choices = fc.infiniteStream(fc.nat(1000));
  return fc.tuple(value, choices).map(([settings, numbers]) => {
    const next = () => Number(numbers.next().value);
    const layout: Layout = {
      gap: () => gaps[next() % gaps.length] ?? '',
      trailingComma: () => !strict && next() % 4 === 0,
    };
    return { value: settings, text: layout.gap() + render(settings, layout) + layout.gap() };
  });
}

function render(value: unknown, layout: Layout): string {
  const { gap } = layout;
  if (Array.isArray(value))
    return list(
      '[',
      ']',
      value.map((item) => render(item, layout)),
      layout,
    );
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, item]) => `${JSON.stringify(name)}${gap()}:${gap()}${render(item, layout)}`,
  );
  return list('{', '}', members, layout);
}

function list(open: string, close: string, items: string[], { gap, trailingComma }: Layout): string {
  const body = items.map((item) => `${gap()}${item}${gap()}`).join(',');
  const comma = items.length > 0 && trailingComma() ? `,${gap()}` : gap();
  return `${open}${body}${comma}${close}`;
}

export function commentsOf(text: string): string[] {
  return (
    text
      .match(/"(?:\\.|[^"\\])*"|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g)
      ?.filter((token) => token.startsWith('/')) ?? []
  );
}
