#!/usr/bin/env node
import { createCli } from '@opensync/core/plugin';
import { source } from './source.js';

process.exitCode = await createCli(source).run();
