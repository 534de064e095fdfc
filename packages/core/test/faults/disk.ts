import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { applyOnDisk } from './history.js';
import type { Injected, Job, When } from './job.js';

/** The functions of node:fs as they were. */
const real = { ...fs };

/** What the disk does to a job: counts its reads of the history and writes of state, and breaks them. */
interface Disk {
  readonly reads: number;
  readonly writes: number;
}

interface State {
  job: Job;
  now: () => number;
  reads: number;
  writes: number;
  /** Paths of open files. */
  open: Map<number, string>;
}

let current: State | undefined;

export function watchDisk(job: Job, now: () => number): Disk {
  current = { job, now, reads: 0, writes: 0, open: new Map() };
  return current;
}

/** Written at once and past every buffer. */
export function report(injected: Injected): void {
  real.writeSync(1, `${JSON.stringify(injected)}\n`);
}

export function die(place: string): never {
  report({ kind: 'kill -9', place });
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function pathOf(target: unknown): string {
  return typeof target === 'number' ? (current?.open.get(target) ?? '') : String(target);
}

/** What a file is to the plugin, as it is counted. */
function nameOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.endsWith('.tmp')) return `new ${nameOf(name.replace(/^\.|\.[0-9a-f-]{36}\.tmp$/g, ''))}`;
  const known = /^(index\.jsonl|\.settled\.json|\.floor\.json)$|\.(lock|again)(\.[0-9a-f-]{36})?$/.exec(name);
  return known?.[1] ?? known?.[2] ?? (name.endsWith('.json') ? 'checkpoint' : 'folder');
}

/** `half` leaves a write half done; absent for what is done or not. `size` is for what takes room on the disk. */
function write<T>(label: string, path: string, act: () => T, half?: () => void): T {
  const state = current;
  if (state === undefined || !path.startsWith(`${state.job.home}/.opensync`)) return act();
  const number = ++state.writes;
  const place = `${label} ${nameOf(path)}`;
  changeHistory(state, 'write', number);
  const { kill, full } = state.job;
  const dies = (when: When) => kill?.at === 'write' && kill.number === number && kill.when === when;
  if (dies('before') || (dies('half') && half === undefined)) die(`before ${place}`);
  if (half !== undefined && full !== undefined && number >= full.from && number < full.from + full.count) {
    report({ kind: 'disk full', place });
    half();
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28 });
  }
  if (dies('half')) {
    half?.();
    die(`half of ${place}`);
  }
  const result = act();
  if (dies('after')) die(`after ${place}`);
  return result;
}

function read<T>(path: string, act: () => T): T {
  const state = current;
  const isHistory =
    state !== undefined &&
    path.startsWith(`${state.job.home}/`) &&
    !path.startsWith(`${state.job.home}/.opensync`);
  if (!isHistory) return act();
  const result = act();
  changeHistory(state, 'read', ++state.reads);
  return result;
}

function changeHistory({ job }: State, at: 'read' | 'write', number: number): void {
  const { change } = job;
  if (change?.at !== at || change.number !== number) return;
  const watched = current;
  current = undefined;
  applyOnDisk(job.home, change.change);
  current = watched;
  report({ kind: `history ${change.change.kind} meanwhile`, place: `at a ${at}` });
}

/** A lock has the time of the clock that its owner sees, from its first moment on. */
function dated(path: string): void {
  if (current === undefined || !/\.lock(\.[0-9a-f-]{36})?$/.test(path)) return;
  const seconds = current.now() / 1000;
  real.utimesSync(path, seconds, seconds);
}

const half = <T extends string | NodeJS.ArrayBufferView>(data: T) => {
  const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer);
  return bytes.subarray(0, bytes.length >> 1);
};

function install(): void {
  fs.mkdirSync = ((path: string, options: fs.MakeDirectoryOptions) =>
    real.existsSync(path)
      ? real.mkdirSync(path, options)
      : write(
          'make',
          path,
          () => real.mkdirSync(path, options),
          () => undefined,
        )) as never;
  fs.openSync = ((path: string, flags: string | number, mode?: number) => {
    const open = () => {
      const descriptor = real.openSync(path, flags, mode);
      current?.open.set(descriptor, path);
      if (typeof flags === 'string' ? flags.includes('x') : (flags & fs.constants.O_EXCL) !== 0) dated(path);
      return descriptor;
    };
    return flags === 'r' || flags === undefined
      ? read(path, open)
      : write('create', path, open, () => undefined);
  }) as never;
  fs.readSync = ((descriptor: number, ...rest: [NodeJS.ArrayBufferView, number, number, number]) =>
    read(pathOf(descriptor), () => real.readSync(descriptor, ...rest))) as never;
  fs.closeSync = (descriptor) => {
    current?.open.delete(descriptor);
    real.closeSync(descriptor);
  };
  fs.writeFileSync = (target, data, options) => {
    const path = pathOf(target);
    const put = (bytes: typeof data) => {
      real.writeFileSync(target, bytes, options);
      dated(path);
    };
    write(
      'write',
      path,
      () => put(data),
      () => put(half(data)),
    );
  };
  fs.appendFileSync = (target, data, options) => {
    const append = (bytes: string | Uint8Array) => real.appendFileSync(target, bytes, options);
    write(
      'append',
      pathOf(target),
      () => append(data),
      () => append(half(data)),
    );
  };
  fs.renameSync = (from, to) => write('rename', String(to), () => real.renameSync(from, to));
  fs.linkSync = (from, to) =>
    write(
      'link',
      String(to),
      () => real.linkSync(from, to),
      () => undefined,
    );
  fs.rmSync = (path, options) => {
    if (real.existsSync(path)) write('remove', String(path), () => real.rmSync(path, options));
    else real.rmSync(path, options);
  };
  fs.utimesSync = (path, accessed, modified) =>
    write('touch', String(path), () => real.utimesSync(path, accessed, modified));
  syncBuiltinESMExports();
}

install();
