import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { nodeOf } from './node-versions.mjs';

const VERDACCIO = 'verdaccio@6.10.4';
/** It needs a newer Node.js than we do. */
const NODE = '24';

/** Its plugin for audits asks for a tag, `node-fetch@cjs`, which not every mirror of npm has. */
const MANIFEST = { private: true, overrides: { 'node-fetch': '^2.6.7' } };

/**
 * An npm registry on loopback, with everything of its own in `folder`. Other people's packages come through it
 * from the registry that npm is set to.
 * @param options.own names of the packages that are published to it and never looked for elsewhere
 * @param options.npm path of npm's program
 * @returns environment with which npm talks to it, and how to end it
 */
export async function startRegistry({ folder, own, npm }) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(MANIFEST));
  const upstream = execFileSync(process.execPath, [npm, 'config', 'get', 'registry'], { encoding: 'utf8' });
  execFileSync(process.execPath, [npm, 'install', '--silent', '--no-save', '--prefix', folder, VERDACCIO]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(configuration(folder, own, upstream.trim())));
  const server = spawn(
    nodeOf(NODE),
    [join(folder, 'node_modules/verdaccio/bin/verdaccio'), '--config', 'config.yaml', '--listen', url],
    { cwd: folder, env: { ...process.env, HOME: folder }, stdio: 'ignore' },
  );
  const userconfig = join(folder, 'npmrc');
  try {
    await untilAnswers(`${url}/-/ping`);
    const token = await addUser(url);
    writeFileSync(userconfig, `registry=${url}/\n//127.0.0.1:${port}/:_authToken=${token}\n`);
  } catch (error) {
    server.kill();
    throw error;
  }
  return {
    env: {
      npm_config_userconfig: userconfig,
      npm_config_registry: `${url}/`,
      npm_config_update_notifier: 'false',
    },
    stop: () => server.kill(),
  };
}

/** JSON is YAML. */
function configuration(folder, own, upstream) {
  const anyone = { access: '$all', publish: '$authenticated' };
  return {
    storage: join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'htpasswd') } },
    uplinks: { upstream: { url: upstream } },
    packages: {
      ...Object.fromEntries(own.map((name) => [name, anyone])),
      '**': { access: '$all', proxy: 'upstream' },
    },
    web: { enable: false },
    log: { type: 'file', path: join(folder, 'log'), level: 'warn' },
  };
}

/** @returns its token: npm publishes nothing without one */
async function addUser(url) {
  const answer = await fetch(`${url}/-/user/org.couchdb.user:rehearsal`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'rehearsal', password: 'rehearsal-on-loopback' }),
  });
  const { token } = await answer.json();
  return token;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function untilAnswers(url) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return answer;
    if (Date.now() > deadline) throw new Error(`${url} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
