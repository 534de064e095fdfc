import { createRequire } from 'node:module';
import * as z from 'zod';

/** Works from `src` and from `dist`: both lie one level below package.json. */
const manifest: unknown = createRequire(import.meta.url)('../package.json');

export const VERSION = z.object({ version: z.string() }).parse(manifest).version;
