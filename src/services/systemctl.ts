import { explain } from '../base/errors.ts';
import { factsOf, serviceName, systemctlRunner } from './systemctl-run.ts';
import { batched } from './batch.ts';
import { settingsOf, type UnitSettings } from './unit-settings.ts';

/** The state of a unit in systemd's terms (systemctl(1), `show`). */
export type UnitState = {
  /** loaded, not-found, masked, bad-setting, error */
  load: string;
  /** active, reloading, inactive, failed, activating, deactivating */
  active: string;
  /** running, exited, dead, auto-restart ... */
  sub: string;
  /** success, exit-code, start-limit-hit, timeout ... */
  result: string;
  /** Id of the unit's current start, whatever triggered it; empty if systemd has none. */
  invocation: string;
  /** How often systemd has restarted the unit automatically since its last manual start. */
  restarts: number;
  /** The pid of its main process; 0 if none. */
  mainPid: string;
  /** When its main process was started, in microseconds of the monotonic clock; 0 if never. */
  startedAt: string;
  /** A job is queued: start, stop or restart. */
  hasJob: boolean;
  /** Time limit of each step of its stop; Infinity if unlimited. */
  stopMs: number;
};

export type Systemctl = {
  /** Reads a unit's state. Simultaneous calls for several units share one request to systemd. */
  show(unit: string, abort: AbortSignal): Promise<UnitState>;
  /** Reads how systemd would start a unit now. Simultaneous calls share one request. */
  settings(unit: string, abort: AbortSignal): Promise<UnitSettings>;
  /** Clears a start limit that was hit, which would refuse the restart. */
  resetFailed(unit: string, abort: AbortSignal): Promise<void>;
  /** Queues a restart without waiting for it. @throws `unit` with systemd's message if it is refused */
  restart(unit: string, abort: AbortSignal): Promise<void>;
  /** Queues a stop without waiting for it. @throws `unit` with systemd's message if it is refused */
  stop(unit: string, abort: AbortSignal): Promise<void>;
  /** Whether the whole node is shutting down, and its units with it. */
  isGoingDown(abort: AbortSignal): Promise<boolean>;
};

const STATE =
  'LoadState,ActiveState,SubState,Result,InvocationID,NRestarts,MainPID,ExecMainStartTimestampMonotonic,Job,TimeoutStopUSec';

/**
 * @param program the systemctl to run; with `--root`, the one below that root, never this machine's
 * @param env the environment of this program
 */
export function createSystemctl(program: string, env: NodeJS.ProcessEnv): Systemctl {
  const run = systemctlRunner(program, env);
  const showAll =
    <T>(wanted: string, read: (text: string) => T) =>
    async (units: readonly string[], abort: AbortSignal): Promise<T[]> => {
      const text = await run(['show', `--property=${wanted}`, ...units.map(serviceName)], QUICK_MS, abort);
      // One paragraph per unit, in the order of the request.
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
        // systemd unloads a stopped unit: there is nothing to reset. systemctl has no exit status of its own for that.
        if (!explain(error).includes('not loaded')) throw error;
      }
    },
    restart: async (unit, abort) => {
      await run(['restart', '--no-block', serviceName(unit)], QUICK_MS, abort);
    },
    stop: async (unit, abort) => {
      await run(['stop', '--no-block', serviceName(unit)], QUICK_MS, abort);
    },
    isGoingDown: async (abort) =>
      factsOf(await run(['show', '--property=SystemState'], QUICK_MS, abort)).get('SystemState') ===
      'stopping',
  };
}

/** Parses the state of one unit from the output of `systemctl show`. */
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
    hasJob: fact('Job') !== '',
    stopMs: spanMs(fact('TimeoutStopUSec')),
  };
}

const UNITS_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Parses a time span as systemd prints it (systemd.time(7)): `1min 30s`, `infinity`; 0 if empty. */
function spanMs(text: string): number {
  if (text === 'infinity') return Infinity;
  return text.split(' ').reduce((sum, part) => {
    const unit = part.replace(/^[\d.]+/, '');
    return sum + (Number.parseFloat(part) || 0) * (UNITS_MS[unit] ?? 0);
  }, 0);
}

const QUICK_MS = 15_000;
