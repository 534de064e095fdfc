import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/** The true time of a run, and the clock of the machine that its processes see, which may be wrong. */
export class Clock {
  private time = 0;
  private offset = 0;
  private readonly file: number;

  constructor(readonly path: string) {
    this.file = openSync(path, 'w');
    this.write();
  }

  get now(): number {
    return this.time;
  }

  /** Time never runs backwards. */
  atLeast(time: number): void {
    this.time = Math.max(this.time, time);
    this.write();
  }

  pass(ms: number): void {
    this.atLeast(this.time + ms);
  }

  /** Somebody sets the machine's clock. */
  jump(ms: number): void {
    this.offset += ms;
    this.write();
  }

  close(): void {
    closeSync(this.file);
  }

  /** In place and always as long, so that a reader finds whole numbers at any moment. */
  private write(): void {
    const numbers = [this.time + this.offset, this.time];
    writeSync(this.file, numbers.map((number) => String(number).padStart(20)).join(''), 0);
  }
}

/** What a process sees of it: the clock of the machine, and the time that passes, whatever that shows. */
export function readClock(path: string): { now: number; elapsed: number } {
  const text = readFileSync(path, 'latin1');
  return { now: Number(text.slice(0, 20)), elapsed: Number(text.slice(20)) };
}
