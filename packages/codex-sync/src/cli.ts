#!/usr/bin/env node
import { createCli } from '@opensync/core';
import { source } from './source.js';

process.exitCode = await createCli(source).run();
