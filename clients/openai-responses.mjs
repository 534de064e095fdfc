// The streamed Responses API, as far as Codex uses it.

/** What was said, in order: prompts as text, and one entry for each result of a tool. */
export function conversation({ input }) {
  return input.flatMap((item) => {
    if (item.type === 'message' && item.role === 'user') {
      return item.content.flatMap(({ text }) => (text === undefined ? [] : [{ prompt: text }]));
    }
    return item.type.endsWith('_call_output') ? [{ toolResult: true }] : [];
  });
}

export function* events(reply, { tools = [] }) {
  const id = `resp_scripted_${reply.id}`;
  yield { type: 'response.created', response: { id } };
  if (reply.shell === undefined) {
    const item = { type: 'message', role: 'assistant', id: `msg_scripted_${reply.id}`, content: [] };
    const text = reply.stall ? 'This answer is never finished' : reply.text;
    yield { type: 'response.output_item.added', output_index: 0, item };
    yield {
      type: 'response.output_text.delta',
      item_id: item.id,
      output_index: 0,
      content_index: 0,
      delta: text,
    };
    if (reply.stall) return;
    const content = [{ type: 'output_text', text, annotations: [] }];
    yield { type: 'response.output_item.done', output_index: 0, item: { ...item, content } };
  } else {
    const item = {
      id: `fc_scripted_${reply.id}`,
      call_id: `call_scripted_${reply.id}`,
      ...shellCall(tools, reply.shell),
    };
    yield { type: 'response.output_item.done', output_index: 0, item };
  }
  const { input, cacheRead, cacheWrite, output } = reply.usage;
  const usage = {
    input_tokens: input + cacheRead + cacheWrite,
    input_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + cacheRead + cacheWrite + output,
  };
  yield { type: 'response.completed', response: { id, usage } };
}

/** By the tools that the model is offered: their names change with the client's version and the model. */
function shellCall(tools, command) {
  const inputs = {
    exec_command: { cmd: command },
    shell_command: { command },
    shell: { command: ['sh', '-c', command] },
  };
  const name = Object.keys(inputs).find((known) => tools.some((tool) => tool.name === known));
  if (name === undefined)
    throw new Error(`no shell among the tools: ${tools.map((tool) => tool.name ?? tool.type)}`);
  return { type: 'function_call', name, arguments: JSON.stringify(inputs[name]) };
}
