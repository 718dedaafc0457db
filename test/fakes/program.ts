import { join } from 'node:path';

/** Node's arguments for the program: its sources, with the flags of their first line. */
export const AGENT = [
  '--disable-warning=ExperimentalWarning',
  join(import.meta.dirname, '../../agent/main.ts'),
] as const;
