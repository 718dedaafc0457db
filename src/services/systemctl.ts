import { explain } from '../base/errors.ts';
import { factsOf, serviceName, systemctlRunner } from './systemctl-run.ts';
import { batched } from './batch.ts';
import { settingsOf, type UnitSettings } from './unit-settings.ts';

/** What systemd says of a unit, in its own words (systemctl(1), `show`). */
export type UnitState = {
  /** loaded, not-found, masked, bad-setting, error */
  load: string;
  /** active, reloading, inactive, failed, activating, deactivating */
  active: string;
  /** running, exited, dead, auto-restart ... */
  sub: string;
  /** success, exit-code, start-limit-hit, timeout ... */
  result: string;
  /** Another one with every start, whoever asked for it; empty where systemd has none. */
  invocation: string;
  /** How often systemd itself has started it again since somebody did. */
  restarts: number;
  /** The pid of its main process; 0: none. */
  mainPid: string;
  /** When its main process was started, in microseconds of the monotonic clock; 0: never. */
  startedAt: string;
};

export type Systemctl = {
  /** Asked of several units at the same moment, it is one question to systemd. */
  show(unit: string, abort: AbortSignal): Promise<UnitState>;
  /** How it would start a unit now; of several units one question as well. */
  settings(unit: string, abort: AbortSignal): Promise<UnitSettings>;
  /** Clears a start limit that was hit, which would refuse the restart. */
  resetFailed(unit: string, abort: AbortSignal): Promise<void>;
  /** Returns when the job is done; systemd's own words when it failed. */
  restart(unit: string, deadlineMs: number, abort: AbortSignal): Promise<void>;
  /** Whether the whole node is being switched off, and its units with it. */
  isGoingDown(abort: AbortSignal): Promise<boolean>;
};

const STATE =
  'LoadState,ActiveState,SubState,Result,InvocationID,NRestarts,MainPID,ExecMainStartTimestampMonotonic';

/** @param program the systemctl to run; below `--root` it is that root's own, never this machine's */
export function createSystemctl(program: string): Systemctl {
  const run = systemctlRunner(program);
  const showAll =
    <T>(wanted: string, read: (text: string) => T) =>
    async (units: readonly string[], abort: AbortSignal): Promise<T[]> => {
      const text = await run(['show', `--property=${wanted}`, ...units.map(serviceName)], QUICK_MS, abort);
      // One paragraph for each, in the order of the question.
      const told = text.split('\n\n');
      return units.map((_, index) => read(told[index] ?? ''));
    };

  return {
    show: batched(showAll(STATE, stateOf)),
    settings: batched(showAll('ExecStart,Environment,EnvironmentFiles', settingsOf)),
    resetFailed: async (unit, abort) => {
      try {
        await run(['reset-failed', serviceName(unit)], QUICK_MS, abort);
      } catch (error) {
        // systemd forgets a unit that is stopped: there is nothing to reset.
        if (!explain(error).includes('not loaded')) throw error;
      }
    },
    restart: async (unit, deadlineMs, abort) => {
      await run(['restart', serviceName(unit)], deadlineMs, abort);
    },
    isGoingDown: async (abort) =>
      factsOf(await run(['show', '--property=SystemState'], QUICK_MS, abort)).get('SystemState') ===
      'stopping',
  };
}

/** The state of one unit, from what `systemctl show` prints of it. */
export function stateOf(text: string): UnitState {
  const facts = factsOf(text);
  const fact = (name: string): string => facts.get(name) ?? '';
  return {
    load: fact('LoadState'),
    active: fact('ActiveState'),
    sub: fact('SubState'),
    result: fact('Result'),
    invocation: fact('InvocationID'),
    restarts: Number(fact('NRestarts')),
    mainPid: fact('MainPID'),
    startedAt: fact('ExecMainStartTimestampMonotonic'),
  };
}

const QUICK_MS = 15_000;
