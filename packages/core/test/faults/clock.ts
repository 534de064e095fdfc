import { closeSync, openSync, writeSync } from 'node:fs';

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

  /** In place and always as long, so that a reader finds a whole number at any moment. */
  private write(): void {
    writeSync(this.file, String(this.time + this.offset).padStart(20), 0);
  }
}
