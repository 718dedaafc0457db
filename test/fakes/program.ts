import { join } from 'node:path';

/** What Node is to run: the program's sources, with the flag that stands in their first line. */
export const AGENT = [
  '--disable-warning=ExperimentalWarning',
  join(import.meta.dirname, '../../agent/main.ts'),
] as const;
