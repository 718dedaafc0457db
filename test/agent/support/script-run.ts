import type { Order } from '../../../src/hooks/run-files.ts';
import type { RunState } from '../../../src/hooks/runs.ts';

/** The order of a script. */
export const ORDER: Order = {
  program: '/bin/true',
  work: '/',
  environment: [],
  timeoutMs: 1000,
  graceMs: 1000,
  reads: 'files',
  what: 'the script',
  secrets: [],
  outputs: [],
};

/** Runs under a supervisor without a process on this machine. */
export const RUNNING: RunState = {
  is: 'running',
  order: ORDER,
  supervisor: { pid: 0, startedAt: '999999999999', boot: 'another' },
};
