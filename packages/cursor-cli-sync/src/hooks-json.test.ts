import { describe, expect, it } from 'vitest';
import { loadProblem } from './hooks-json.js';

const stop = (entry: object) => JSON.stringify({ version: 1, hooks: { stop: [entry] } });

// Each was tried on the vendor's own loader.
describe('loadProblem', () => {
  it.each([
    ['{"version": 1, "hooks": {}}'],
    ['// mine\n{"version": 1, /* two\nlines */ "hooks": {"stop": [{"command": "say"}]}}'],
    ['{"version": 2, "$schema": "x", "hooks": {"stop": [], "workspaceOpen": []}}'],
    [stop({ type: 'prompt', prompt: 'is it done?' })],
    [stop({ command: 'say', matcher: '*', timeout: 0.5, loop_limit: null, failClosed: true })],
    [stop({ command: 'ls /*' })],
    [''],
  ])('has nothing against %j', (text) => {
    expect(loadProblem(text)).toBeUndefined();
  });

  it.each([
    ['{"hooks": {}}', '"version"'],
    ['{"version": "1", "hooks": {}}', '"version"'],
    ['{"version": 1.5, "hooks": {}}', '"version"'],
    ['{"version": 0, "hooks": {}}', '"version"'],
    ['{"version": 1}', '"hooks" is missing'],
    ['{"version": 1, "hooks": []}', '"hooks" is missing'],
    ['{"version": 1, "hooks": {"Stop": []}}', '"Stop" is not an event'],
    ['{"version": 1, "hooks": {"stop": {}}}', '"hooks.stop" is not an array'],
    [stop({ command: 'curl https://a.example' }), '"curl https://a.example" has "//" in it'],
    [`{"/*": 1, "version": 1, "b": "*/", "hooks": {}}`, '"/\\*" has "/\\*" in it'],
    ['{"$schema": "https://x", "version": 1, "hooks": {}}', '"https://x" has "//" in it'],
    ['{"version": 1, "hooks": {},}', 'comma'],
    ['{"version": 1, "hooks": {}', 'not valid JSON at line 1'],
    ['\uFEFF{"version": 1, "hooks": {}}', 'byte order mark'],
    ['[]', 'not a JSON object'],
    [stop({}), 'has no "command"'],
    [stop({ type: 'prompt', command: 'say' }), 'has no "prompt"'],
    [stop({ type: 'prompt', prompt: '' }), 'has no "prompt"'],
    [stop({ type: 'url' }), 'unknown "type"'],
    [stop({ command: 'say', matcher: '(' }), '"matcher"'],
    [stop({ command: 'say', timeout: 0 }), '"timeout"'],
    [stop({ command: 'say', loop_limit: 0 }), '"loop_limit"'],
    [stop({ command: 'say', failClosed: 'no' }), '"failClosed"'],
  ])('knows what is wrong with %j', (text, reason) => {
    expect(loadProblem(text)).toMatch(new RegExp(reason));
  });
});
