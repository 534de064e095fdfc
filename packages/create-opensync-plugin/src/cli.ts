#!/usr/bin/env node
import { homedir } from 'node:os';
import { run } from './program.js';

const { stdin, stdout, stderr } = process;
process.exitCode = await run(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  folder: process.cwd(),
  home: homedir(),
});
