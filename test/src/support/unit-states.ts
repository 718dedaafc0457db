import type { UnitState } from '../../../src/services/systemctl.ts';

/** systemd's properties of a unit in each state of its life. */
export const RUNNING: UnitState = {
  load: 'loaded',
  active: 'active',
  sub: 'running',
  result: 'success',
  invocation: 'e6f1',
  restarts: 0,
  mainPid: '4711',
  startedAt: '81000000',
  hasJob: false,
  stopMs: 0,
};
/** Another process of the same unit, before its restart. */
export const OLD: UnitState = { ...RUNNING, invocation: '09aa', mainPid: '815', startedAt: '7' };
export const STARTING: UnitState = { ...RUNNING, active: 'activating', sub: 'start' };
export const STOPPED: UnitState = { ...RUNNING, active: 'inactive', sub: 'dead', mainPid: '0' };
export const FAILED: UnitState = { ...STOPPED, active: 'failed', sub: 'failed', result: 'exit-code' };
export const NOT_FOUND: UnitState = { ...STOPPED, load: 'not-found', invocation: '', startedAt: '0' };
