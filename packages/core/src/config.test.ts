import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../test/harness/temporary-directory.js';
import {
  type Config,
  clearConfig,
  configPath,
  isApiKey,
  loadConfig,
  maskKey,
  parseSetting,
  resolveConfig,
  SETTING_NAMES,
  saveConfig,
  updateConfig,
} from './config.js';
import { nodeEnv } from './env.js';
import { isOpenSyncError, type OpenSyncError } from './errors.js';
import type { Env } from './source.js';
import { normalizeUrl } from './url.js';

const plugin = 'my-tool-sync';
const A = 'https://a.convex.site';
const B = 'https://b.convex.site';

let home: string;
beforeEach(() => {
  home = temporaryDirectory();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const world = (vars: Env['vars'] = {}): Env => ({ home, vars, now: () => 0 });
const pluginFile = () => join(home, `.${plugin}`, 'config.json');
const sharedFile = () => join(home, '.opensync', 'config.json');

function write(path: string, content: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
}

function thrownBy(act: () => unknown): OpenSyncError {
  try {
    act();
  } catch (error) {
    if (isOpenSyncError(error)) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

describe('loadConfig', () => {
  it('is empty when there are no files', () => {
    expect(resolveConfig({ plugin, env: world() })).toEqual({ config: {}, origins: {} });
  });

  it('falls back from the plugin to the shared file setting by setting, and says where each comes from', () => {
    write(pluginFile(), { thinking: false });
    write(sharedFile(), { thinking: true, concurrency: 4, convexUrl: A, apiKey: 'osk_shared' });
    expect(resolveConfig({ plugin, env: world() })).toEqual({
      config: { thinking: false, concurrency: 4, convexUrl: A, apiKey: 'osk_shared' },
      origins: {
        thinking: pluginFile(),
        concurrency: sharedFile(),
        convexUrl: sharedFile(),
        apiKey: sharedFile(),
      },
    });
  });

  it('reads only the shared file when no plugin is named', () => {
    write(pluginFile(), { convexUrl: A });
    write(sharedFile(), { convexUrl: B });
    expect(loadConfig({ env: world() })).toEqual({ convexUrl: B });
  });

  it('prefers flags to the environment and the environment to files', () => {
    write(pluginFile(), { convexUrl: A, apiKey: 'osk_file', concurrency: 2 });
    const env = world({ OPENSYNC_URL: B, OPENSYNC_API_KEY: 'osk_env' });
    expect(loadConfig({ plugin, env })).toEqual({ convexUrl: B, apiKey: 'osk_env', concurrency: 2 });
    const flags = { convexUrl: 'c.example', apiKey: 'osk_flag', concurrency: 9 };
    expect(resolveConfig({ plugin, env, flags })).toEqual({
      config: { convexUrl: 'https://c.example', apiKey: 'osk_flag', concurrency: 9 },
      origins: { convexUrl: 'flag', apiKey: 'flag', concurrency: 'flag' },
    });
  });

  it('takes the default level from the environment and the projects from a file', () => {
    expect(loadConfig({ env: world({ OPENSYNC_PRIVACY: 'off' }) }).privacy).toEqual({ default: 'off' });
    expect(loadConfig({ env: world({ OPENSYNC_PRIVACY: ' ' }) }).privacy).toBeUndefined();
    const env = world({ OPENSYNC_PRIVACY: 'metadata' });
    const projects = [{ path: '~/work', level: 'off' }];
    const path = configPath({ env });
    write(path, { privacy: { default: 'full', projects } });
    const { config, origins } = resolveConfig({ plugin, env });
    expect(config.privacy).toEqual({ default: 'metadata', projects });
    expect(origins.privacy).toBe(`environment, ${path}`);
  });

  it('fails for a level in the environment that is none, since everything would leave', () => {
    const error = thrownBy(() => loadConfig({ env: world({ OPENSYNC_PRIVACY: 'none' }) }));
    expect(error.message).toBe('OPENSYNC_PRIVACY must be full, metadata or off, and is "none".');
  });

  it('takes an empty variable for none and trims what surrounds a pasted value', () => {
    write(pluginFile(), { convexUrl: ` ${A}/\n`, apiKey: 'osk_file\n' });
    const env = world({ OPENSYNC_URL: '', OPENSYNC_API_KEY: ' ' });
    expect(loadConfig({ plugin, env })).toEqual({ convexUrl: A, apiKey: 'osk_file' });
  });

  it('names the place of a URL that cannot be used', () => {
    write(pluginFile(), { convexUrl: 'http://example.com' });
    expect(thrownBy(() => loadConfig({ plugin, env: world() })).message).toContain(pluginFile());
    const env = world({ OPENSYNC_URL: 'ftp://example.com' });
    expect(thrownBy(() => loadConfig({ plugin, env })).message).toContain('OPENSYNC_URL');
  });

  it('ignores settings it does not know, such as one that would switch redaction off', () => {
    write(pluginFile(), { redact: false, future: { a: 1 } });
    expect(loadConfig({ plugin, env: world() })).toEqual({});
  });
});

describe('what an earlier plugin left', () => {
  const earlier = () => join(home, '.config', plugin, 'config.json');
  const credentials = () => join(home, '.opensync/credentials.json');
  const account = (convexUrl: string) => ({ convexUrl, apiKey: 'osk_earlier' });

  it('is read where nobody has signed in anew, of this name first, then of any', () => {
    write(credentials(), account(B));
    expect(loadConfig({ plugin, env: world() })).toEqual(account(B));
    write(earlier(), { ...account(A), autoSync: true, syncToolCalls: false, syncThinking: true });
    expect(resolveConfig({ plugin, env: world() })).toEqual({
      config: { ...account(A), thinking: true, toolResults: false },
      origins: Object.fromEntries(
        ['convexUrl', 'apiKey', 'thinking', 'toolResults'].map((name) => [name, earlier()]),
      ),
    });
    write(sharedFile(), { convexUrl: B, apiKey: 'osk_new' });
    expect(loadConfig({ plugin, env: world() })).toEqual({ convexUrl: B, apiKey: 'osk_new' });
  });

  it('lends its server to no other key, and its key to no other server', () => {
    write(earlier(), account(A));
    const found = [
      loadConfig({ plugin, env: world({ OPENSYNC_API_KEY: 'osk_new' }) }),
      loadConfig({ plugin, env: world({ OPENSYNC_URL: B }) }),
      loadConfig({ plugin, env: world(), flags: { convexUrl: B } }),
    ];
    expect(found).toEqual([{ apiKey: 'osk_new' }, { convexUrl: B }, { convexUrl: B }]);
    write(pluginFile(), { apiKey: 'osk_mine' });
    expect(loadConfig({ plugin, env: world() })).toEqual({ apiKey: 'osk_mine' });
  });

  it.each([
    ['a key alone', { apiKey: 'osk_earlier' }],
    ['a server that cannot be one', { convexUrl: 'http://10.0.0.5:3210', apiKey: 'osk_earlier' }],
  ])('is nothing when it is %s', (_what, content) => {
    write(earlier(), content);
    write(credentials(), account(B));
    expect(loadConfig({ plugin, env: world() })).toEqual(account(B));
  });

  it('stays out of the way once somebody has signed out', () => {
    write(earlier(), account(A));
    write(sharedFile(), { signedOut: true });
    expect(loadConfig({ plugin, env: world() })).toEqual({});
    updateConfig(account(B), { env: world() });
    expect(JSON.parse(readFileSync(sharedFile(), 'utf8'))).toEqual(account(B));
  });

  it.each(['', '{', '[]', 'null', '3', '{"convexUrl": 1, "apiKey": {}}'])(
    'does not matter when it is %j',
    (text) => {
      write(earlier(), text);
      expect(loadConfig({ plugin, env: world() })).toEqual({});
    },
  );

  it('may be in variables, both or none', () => {
    const earlierVariables = { convexUrl: 'MY_URL', apiKey: 'MY_KEY' };
    const load = (vars: Env['vars']) => loadConfig({ plugin, env: world(vars), earlierVariables });
    expect(load({ MY_URL: A, MY_KEY: 'osk_earlier' })).toEqual(account(A));
    expect(load({ MY_URL: A })).toEqual({});
    write(sharedFile(), { convexUrl: B, apiKey: 'osk_new' });
    expect(load({ MY_URL: A, MY_KEY: 'osk_earlier' })).toEqual({ convexUrl: B, apiKey: 'osk_new' });
  });
});

describe('the key', () => {
  const keyFor = (vars: Env['vars'] = {}, flags: Partial<Config> = {}) =>
    resolveConfig({ plugin, env: world(vars), flags }).config.apiKey;

  it('of the shared file does not go to the server that the plugin file names', () => {
    write(pluginFile(), { convexUrl: B });
    write(sharedFile(), { convexUrl: A, apiKey: 'osk_shared' });
    expect(resolveConfig({ plugin, env: world() })).toEqual({
      config: { convexUrl: B },
      origins: { convexUrl: pluginFile() },
      withheldKey: sharedFile(),
    });
  });

  it('of the shared file is used when the plugin file names the same server in another spelling', () => {
    write(pluginFile(), { convexUrl: 'A.convex.cloud/' });
    write(sharedFile(), { convexUrl: A, apiKey: 'osk_shared' });
    expect(keyFor()).toBe('osk_shared');
  });

  it('of a file does not go to the server that OPENSYNC_URL names', () => {
    write(pluginFile(), { convexUrl: A, apiKey: 'osk_a' });
    expect(keyFor({ OPENSYNC_URL: B })).toBeUndefined();
    expect(keyFor({ OPENSYNC_URL: `${A}/` })).toBe('osk_a');
  });

  it('of the shared file is found when only that one was saved for the server in use', () => {
    write(pluginFile(), { convexUrl: A, apiKey: 'osk_a' });
    write(sharedFile(), { convexUrl: B, apiKey: 'osk_b' });
    expect(keyFor({ OPENSYNC_URL: B })).toBe('osk_b');
  });

  it('of a plugin file without a URL belongs to the server of the shared file', () => {
    write(pluginFile(), { apiKey: 'osk_own' });
    write(sharedFile(), { convexUrl: A, apiKey: 'osk_shared' });
    expect(keyFor()).toBe('osk_own');
    expect(keyFor({ OPENSYNC_URL: B })).toBeUndefined();
  });

  it('of a file that names no server goes to none that is named elsewhere', () => {
    write(pluginFile(), { convexUrl: B });
    write(sharedFile(), { apiKey: 'osk_shared' });
    expect(keyFor()).toBeUndefined();
  });

  it('of the environment completes a URL of a file or, when no place below names a server, of a flag', () => {
    expect(keyFor({ OPENSYNC_API_KEY: 'osk_env' }, { convexUrl: B })).toBe('osk_env');
    write(pluginFile(), { convexUrl: A, apiKey: 'osk_a' });
    expect(keyFor({ OPENSYNC_API_KEY: 'osk_env' })).toBe('osk_env');
    expect(keyFor({ OPENSYNC_API_KEY: 'osk_env' }, { convexUrl: B })).toBeUndefined();
  });

  it('of the environment does not follow a flag to another server than OPENSYNC_URL', () => {
    expect(keyFor({ OPENSYNC_URL: A, OPENSYNC_API_KEY: 'osk_env' }, { convexUrl: B })).toBeUndefined();
  });

  it('never reaches a server that neither its own place nor the next one below names', () => {
    const url = fc.option(fc.constantFrom(A, B), { nil: undefined });
    const layer = fc.record({ url, key: fc.boolean() });
    void fc.assert(
      fc.property(layer, layer, layer, (environment, own, shared) => {
        const layers = [environment, own, shared];
        const values = layers.map(({ url: convexUrl, key }, index) => ({
          convexUrl,
          apiKey: key ? `osk_${index}` : undefined,
        }));
        write(pluginFile(), values[1]);
        write(sharedFile(), values[2]);
        const vars = { OPENSYNC_URL: values[0]?.convexUrl, OPENSYNC_API_KEY: values[0]?.apiKey };
        const { config } = resolveConfig({ plugin, env: world(vars) });
        if (config.apiKey === undefined) return;
        const from = Number(config.apiKey.slice(-1));
        const belongsTo = layers.slice(from).find((below) => below.url !== undefined)?.url;
        expect(belongsTo).toBe(config.convexUrl);
      }),
    );
  });
});

describe('a broken file', () => {
  it.each([
    ['is cut off', '{"apiKey":"osk_secret'],
    ['holds a stray word', '{"apiKey":osk_secret}'],
    ['is empty', ''],
  ])('that %s is named without its contents', (_, text) => {
    write(pluginFile(), text);
    const error = thrownBy(() => loadConfig({ plugin, env: world() }));
    expect(error.kind).toBe('config');
    expect(error.message).toContain(`${pluginFile()} is not valid JSON`);
    expect(error.message).toContain('Correct the file');
    expect(error.message).not.toContain('osk_');
    expect(error.cause).toBeUndefined();
  });

  it('is told by line and column when the parser knows them', () => {
    write(pluginFile(), '{\n  "thinking": true,\n}\n');
    expect(thrownBy(() => loadConfig({ plugin, env: world() })).message).toContain('line 3, column 1');
  });

  it('with values of the wrong type lists every one, without the values', () => {
    write(sharedFile(), { apiKey: 12345, concurrency: 99, thinking: 'secret' });
    const { message, kind } = thrownBy(() => loadConfig({ plugin, env: world() }));
    expect(kind).toBe('config');
    expect(message).toContain(sharedFile());
    expect(message).toContain('"apiKey" must be an API key');
    expect(message).toContain('"concurrency" must be a whole number from 1 to 32');
    expect(message).toContain('"thinking" must be true or false');
    expect(message).not.toMatch(/12345|99|secret/);
  });

  it('that holds something else than an object says so', () => {
    write(pluginFile(), '[]');
    expect(thrownBy(() => loadConfig({ plugin, env: world() })).message).toContain('must hold a JSON object');
  });

  it('that cannot be read is an error and not an empty configuration', () => {
    mkdirSync(pluginFile(), { recursive: true });
    const error = thrownBy(() => loadConfig({ plugin, env: world() }));
    expect(error.kind).toBe('config');
    expect(error.message).toContain(`Cannot read ${pluginFile()} (EISDIR)`);
  });

  it('may begin with the byte order mark of some editors', () => {
    write(pluginFile(), '\uFEFF{"concurrency":3}');
    expect(loadConfig({ plugin, env: world() })).toEqual({ concurrency: 3 });
  });
});

describe('saving', () => {
  it('writes what it is given, for its owner alone, and loads it again', () => {
    const config = { convexUrl: A, apiKey: 'osk_x', prices: { 'my-model': { input: 1, output: '2.5' } } };
    saveConfig(config, { plugin, env: world() });
    expect(statSync(pluginFile()).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(pluginFile())).mode & 0o777).toBe(0o700);
    expect(loadConfig({ plugin, env: world() })).toEqual(config);
    saveConfig({ convexUrl: B }, { plugin, env: world() });
    expect(JSON.parse(readFileSync(pluginFile(), 'utf8'))).toEqual({ convexUrl: B });
  });

  it('uses the shared file when no plugin is named', () => {
    saveConfig({ convexUrl: A }, { env: world() });
    expect(existsSync(sharedFile())).toBe(true);
  });

  it('takes the home directory of the process when no other is given', () => {
    vi.stubEnv('HOME', home);
    vi.stubEnv('OPENSYNC_URL', undefined);
    saveConfig({ convexUrl: A });
    expect(loadConfig()).toEqual({ convexUrl: A });
    expect(existsSync(sharedFile())).toBe(true);
  });

  it('reports a folder that cannot be made', () => {
    writeFileSync(join(home, `.${plugin}`), 'a file');
    const error = thrownBy(() => saveConfig({ apiKey: 'osk_secret' }, { plugin, env: world() }));
    expect(error.kind).toBe('config');
    expect(error.message).toContain(`Cannot write ${pluginFile()}`);
    expect(error.message).not.toContain('osk_');
  });

  it('refuses a plugin name that would leave the home directory', () => {
    expect(thrownBy(() => configPath({ plugin: '../evil', env: world() })).kind).toBe('usage');
  });
});

describe('updateConfig', () => {
  it('keeps other settings and unknown ones, and removes what is set to undefined', () => {
    write(pluginFile(), { thinking: true, concurrency: 2, future: { a: 1 } });
    const updated = updateConfig({ concurrency: 5, thinking: undefined }, { plugin, env: world() });
    expect(updated).toMatchObject({ concurrency: 5 });
    expect(JSON.parse(readFileSync(pluginFile(), 'utf8'))).toEqual({ concurrency: 5, future: { a: 1 } });
  });

  it('writes only its own file, never what the other one holds', () => {
    write(sharedFile(), { convexUrl: A, apiKey: 'osk_shared' });
    updateConfig({ thinking: true }, { plugin, env: world() });
    expect(JSON.parse(readFileSync(pluginFile(), 'utf8'))).toEqual({ thinking: true });
  });

  it('drops the key when another server is set without a new key', () => {
    write(pluginFile(), { convexUrl: A, apiKey: 'osk_a' });
    expect(updateConfig({ convexUrl: 'a.convex.cloud' }, { plugin, env: world() }).apiKey).toBe('osk_a');
    expect(updateConfig({ convexUrl: B }, { plugin, env: world() }).apiKey).toBeUndefined();
    expect(updateConfig({ convexUrl: A, apiKey: 'osk_2' }, { plugin, env: world() }).apiKey).toBe('osk_2');
  });
});

describe('clearConfig', () => {
  it('deletes the plugin file alone and is content when there is none', () => {
    write(pluginFile(), {});
    write(sharedFile(), {});
    clearConfig({ plugin, env: world() });
    clearConfig({ plugin, env: world() });
    expect([existsSync(pluginFile()), existsSync(sharedFile())]).toEqual([false, true]);
  });
});

describe('normalizeUrl', () => {
  it.each([
    ['https://my-app.convex.site', 'https://my-app.convex.site'],
    ['https://my-app.convex.cloud', 'https://my-app.convex.site'],
    ['  https://My-App.Convex.Cloud//  ', 'https://my-app.convex.site'],
    ['my-app.convex.cloud', 'https://my-app.convex.site'],
    ['https://convex.cloud.example.com', 'https://convex.cloud.example.com'],
    ['example.com:8443/', 'https://example.com:8443'],
    ['localhost:3210', 'http://localhost:3210'],
    ['127.0.0.1:3210', 'http://127.0.0.1:3210'],
    ['[::1]:3210', 'http://[::1]:3210'],
    ['http://localhost:3210/', 'http://localhost:3210'],
    ['https://localhost:3210', 'https://localhost:3210'],
  ])('makes %s to %s', (text, url) => {
    expect(normalizeUrl(text)).toBe(url);
  });

  it.each([
    ['http://example.com', 'https://example.com'],
    ['http://localhost.example.com', 'https://localhost.example.com'],
    ['http://192.168.1.5:3000', 'https://192.168.1.5:3000'],
    ['https://my-app.convex.site/health', 'Use https://my-app.convex.site.'],
    ['https://my-app.convex.cloud/sync/session', 'Use https://my-app.convex.site.'],
    ['https://example.com?token=hunter2', 'Use https://example.com.'],
    ['https://example.com#hunter2', 'Use https://example.com.'],
    ['https://user:hunter2@example.com', 'Use https://example.com.'],
    ['https://my-app.convex.site@evil.example', 'user name'],
    ['ftp://hunter2.example.com', 'not the URL of a server'],
    ['file:///etc/hunter2', 'not the URL of a server'],
    ['hunter 2', 'not the URL of a server'],
    ['', 'not the URL of a server'],
  ])('refuses %s and says what to do, without secrets', (text, advice) => {
    const error = thrownBy(() => normalizeUrl(text));
    expect(error.kind).toBe('config');
    expect(error.message).toContain(advice);
    expect(error.message).not.toContain('hunter');
  });

  it('changes nothing when applied again, and yields a safe address or an error of its own', () => {
    const scheme = fc.constantFrom('', 'http://', 'https://', 'HTTPS://', '//', 'ftp://');
    const host = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`),
      fc.constantFrom('localhost', '127.0.0.1', '[::1]', 'a.convex.cloud'),
      fc.string(),
    );
    const rest = fc.constantFrom('', '/', '//', ':80', ':443', ':3210/', '/health', '?a', '#');
    void fc.assert(
      fc.property(scheme, host, rest, (...pieces) => {
        try {
          const url = normalizeUrl(pieces.join(''));
          expect(normalizeUrl(url)).toBe(url);
          expect(url).toMatch(/^(https:\/\/|http:\/\/(localhost|127\.[\d.]+|\[::1\])(:|$))/);
          expect(url).not.toMatch(/\/$|\.convex\.cloud/);
        } catch (error) {
          if (!isOpenSyncError(error)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('parseSetting', () => {
  it('reads every setting from text', () => {
    expect(parseSetting('convexUrl', 'a.convex.cloud')).toEqual({ convexUrl: A });
    expect(parseSetting('apiKey', ' osk_abc ')).toEqual({ apiKey: 'osk_abc' });
    expect(parseSetting('thinking', 'Yes')).toEqual({ thinking: true });
    expect(parseSetting('thinking', 'off')).toEqual({ thinking: false });
    expect(parseSetting('concurrency', '8')).toEqual({ concurrency: 8 });
    const prices = { 'my-model': { input: 1, output: 2 } };
    expect(parseSetting('prices', JSON.stringify(prices))).toEqual({ prices });
    const privacy = { default: 'metadata', projects: [{ path: '~/work/**', level: 'off' }] };
    expect(parseSetting('privacy', JSON.stringify(privacy))).toEqual({ privacy });
    expect(parseSetting('toolResults', 'no')).toEqual({ toolResults: false });
  });

  it.each([
    ['thinking', 'perhaps', '"thinking" must be true or false'],
    ['thinking', 'constructor', '"thinking" must be true or false'],
    ['concurrency', '0', 'from 1 to 32'],
    ['concurrency', '2.5', 'from 1 to 32'],
    ['concurrency', '', 'from 1 to 32'],
    ['concurrency', 'many', 'from 1 to 32'],
    ['prices', '{"my-model":{"input":1}}', '"prices.my-model.output"'],
    ['prices', 'cheap', '"prices" must be US dollars per million tokens'],
    ['privacy', 'off', '"privacy" must be levels (full, metadata, off)'],
    ['privacy', '{"projects":[{"path":"secret","level":"off"}]}', '"privacy.projects.0"'],
    ['apiKey', 'sk-123', 'Invalid API key format'],
  ])('refuses %s = "%s"', (name, text, advice) => {
    const error = thrownBy(() => parseSetting(name, text));
    expect(error.kind).toBe('usage');
    expect(error.message).toContain(advice);
  });

  it.each(['redact', 'constructor', '__proto__'])('lists the known settings for the unknown "%s"', (name) => {
    const { message, kind } = thrownBy(() => parseSetting(name, 'false'));
    expect(kind).toBe('usage');
    expect(message).toContain(SETTING_NAMES.join(', '));
  });
});

describe('keys', () => {
  it('are shown by their ends, and short ones not at all', () => {
    expect(maskKey('osk_abcdefghijklmnop')).toBe('osk_ab…op');
    expect(maskKey('osk_abcdef')).toBe('…');
  });

  it('begin with osk_ and hold nothing that a header cannot', () => {
    expect(['osk_a', 'osk_', 'sk_a', 'osk_a b', 'osk_a\n', 'osk_ä'].map(isApiKey)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('nodeEnv', () => {
  it('follows HOME', () => {
    vi.stubEnv('HOME', home);
    expect(nodeEnv().home).toBe(home);
  });

  it('refuses a home directory that is not absolute', () => {
    vi.stubEnv('HOME', 'relative');
    const error = thrownBy(nodeEnv);
    expect(error.kind).toBe('config');
    expect(error.message).toContain('Set HOME');
  });
});
