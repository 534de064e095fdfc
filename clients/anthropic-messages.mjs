// The streamed Messages API, as far as Claude Code and OpenCode use it.

/** What was said, in order: prompts as text, and one entry for each result of a tool. */
export function conversation({ messages }) {
  return messages.flatMap(({ role, content }) => {
    if (role !== 'user') return [];
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    return blocks.flatMap((block) => {
      if (block.type === 'text') return [{ prompt: block.text }];
      return block.type === 'tool_result' ? [{ toolResult: true }] : [];
    });
  });
}

export function* events(reply, { model, tools = [] }) {
  const { input, cacheRead, cacheWrite, output } = reply.usage;
  yield {
    type: 'message_start',
    message: {
      id: `msg_scripted_${reply.id}`,
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: {
        input_tokens: input,
        cache_read_input_tokens: cacheRead,
        cache_creation_input_tokens: cacheWrite,
        cache_creation: { ephemeral_5m_input_tokens: cacheWrite, ephemeral_1h_input_tokens: 0 },
        output_tokens: 1,
      },
    },
  };
  if (reply.shell === undefined) {
    yield { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } };
    const text = reply.stall ? 'This answer is never finished' : reply.text;
    yield { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } };
    if (reply.stall) return;
  } else {
    const { name, input: toolInput } = shellCall(tools, reply.shell);
    const block = { type: 'tool_use', id: `toolu_scripted_${reply.id}`, name, input: {} };
    yield { type: 'content_block_start', index: 0, content_block: block };
    const delta = { type: 'input_json_delta', partial_json: JSON.stringify(toolInput) };
    yield { type: 'content_block_delta', index: 0, delta };
  }
  yield { type: 'content_block_stop', index: 0 };
  yield {
    type: 'message_delta',
    delta: { stop_reason: reply.shell === undefined ? 'end_turn' : 'tool_use', stop_sequence: null },
    usage: { output_tokens: output },
  };
  yield { type: 'message_stop' };
}

function shellCall(tools, command) {
  const tool = tools.find(({ name }) => name.toLowerCase() === 'bash');
  if (tool === undefined) throw new Error(`no shell among the tools: ${tools.map(({ name }) => name)}`);
  return { name: tool.name, input: { command, description: 'Scripted command' } };
}
