/*
 * Runs in the hook that the tool waits for, which is bundled with built-ins alone: nothing is imported here.
 */

/** The hooks that say what a turn used, both the same. Others may name the turn and count something else. */
const EVENTS: ReadonlySet<unknown> = new Set(['stop', 'afterAgentResponse']);

const COUNTS = ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens'] as const;

/** What stands for a model that was not chosen: which one answers is the vendor's choice. */
const NOT_CHOSEN: ReadonlySet<string> = new Set(['default', 'auto', 'auto-smart', 'unknown']);

/** Characters of an id or a name; whatever is longer is neither. */
const MAX_NAME = 255;

/**
 * The line of the journal for what a hook was given on its standard input: the tokens of a turn, and
 * nothing that was said in it. Undefined when it tells no tokens. Never throws.
 * @param now milliseconds since the Unix epoch
 */
export function keep(payload: string, now: number): string | undefined {
  const fields = fieldsOf(payload);
  const { hook_event_name: event, conversation_id, generation_id } = fields;
  if (!EVENTS.has(event) || !isName(conversation_id) || !isName(generation_id)) return undefined;
  // The client's own hooks have the chat's id there: that names no turn.
  if (generation_id === conversation_id) return undefined;
  const counts = COUNTS.map((name) => [name, fields[name]] as const);
  // No turn comes without tokens: four zeros mean that nobody counted.
  if (!counts.every(([, count]) => isCount(count)) || counts.every(([, count]) => count === 0))
    return undefined;
  const model = modelOf(fields);
  return JSON.stringify({
    time: now,
    event,
    conversation_id,
    generation_id,
    model,
    ...Object.fromEntries(counts),
  });
}

type Fields = Readonly<Record<string, unknown>>;

/** On Windows the text may begin with a byte order mark. */
function fieldsOf(payload: string): Fields {
  try {
    return asFields(JSON.parse(payload.replace(/^\uFEFF/, '')));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** With its settings, which may change its price, as price lists write them: `composer-2.5[fast=true]`. */
function modelOf({ model, model_params: params = [] }: Fields): string | undefined {
  if (!isName(model) || NOT_CHOSEN.has(model) || !Array.isArray(params)) return undefined;
  const settings = params.map(asFields).filter(({ value }) => value !== 'false');
  if (!settings.every(({ id, value }) => isName(id) && isName(value))) return undefined;
  const text = settings.map(({ id, value }) => `${id}=${value}`).join(',');
  return text === '' ? model : `${model}[${text}]`;
}
