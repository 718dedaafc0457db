import { CONTROL_GROUPS } from './control-groups.ts';
import { signalProcess, whoRuns } from './processes.ts';
import { factsOf, serviceName, systemctlRunner } from './systemctl-run.ts';

/** A unit's installation and its present state. */
export type UnitStatus = {
  enabled: boolean;
  active: boolean;
  /** It cannot be started; if it was running before, it continues until it is stopped. */
  masked: boolean;
  /** Number of its running processes besides the main one; undefined if unknown. */
  others: number | undefined;
};

/** Enables and disables units (systemctl(1)). restart.ts handles units during a rotation. */
export type UnitManager = {
  /** Reads a unit's status; undefined if the node does not have the unit. */
  status(unit: string, abort: AbortSignal): Promise<UnitStatus | undefined>;
  /** Suspends the main process until `thaw`; processes started by it continue. */
  freeze(unit: string, abort: AbortSignal): Promise<void>;
  thaw(unit: string, abort: AbortSignal): Promise<void>;
  /** Stops the unit and disables it at boot. */
  disableNow(unit: string, abort: AbortSignal): Promise<void>;
  /**
   * Enables the unit at boot and starts it now, without waiting: the start may take as long as the cloud is
   * unavailable.
   */
  enableAndStart(unit: string, abort: AbortSignal): Promise<void>;
};

const DEADLINE_MS = 90_000;

/**
 * @param program the systemctl to run
 * @param env the environment of this program
 * @param read reads a file of the node; undefined if it does not exist
 * @param contained units whose program runs in a container that systemd does not track, with that program's name
 */
export function createUnitManager(
  program: string,
  env: NodeJS.ProcessEnv,
  read: (path: string) => Promise<string | undefined>,
  contained: ReadonlyMap<string, string> = new Map(),
): UnitManager {
  const run = systemctlRunner(program, env);
  const act = async (args: string[], abort: AbortSignal): Promise<void> => {
    await run(args, DEADLINE_MS, abort);
  };
  const othersOf = async (group: string, main: string): Promise<number | undefined> => {
    for (const place of CONTROL_GROUPS) {
      const processes = await read(`${place}${group}/cgroup.procs`);
      if (processes !== undefined)
        return processes.split('\n').filter((pid) => pid !== '' && pid !== main).length;
    }
    return undefined;
  };
  const signalMain = async (unit: string, name: 'SIGSTOP' | 'SIGCONT', abort: AbortSignal): Promise<void> => {
    const inner = contained.get(unit);
    if (inner === undefined)
      await act(['kill', '--kill-who=main', `--signal=${name}`, serviceName(unit)], abort);
    else for (const { pid } of await whoRuns(inner)) signalProcess(pid, name);
  };
  return {
    status: async (unit, abort) => {
      const wanted = '--property=LoadState,ActiveState,UnitFileState,MainPID,ControlGroup';
      const text = await run(['show', wanted, serviceName(unit)], DEADLINE_MS, abort);
      const facts = factsOf(text);
      const load = facts.get('LoadState') ?? '';
      if (!['loaded', 'masked'].includes(load)) return undefined;
      const inner = contained.get(unit);
      return {
        enabled: facts.get('UnitFileState')?.startsWith('enabled') === true,
        active: facts.get('ActiveState') === 'active',
        masked: load === 'masked',
        others:
          inner === undefined
            ? await othersOf(facts.get('ControlGroup') ?? '', facts.get('MainPID') ?? '')
            : await startedIn(inner),
      };
    },
    freeze: async (unit, abort) => {
      await signalMain(unit, 'SIGSTOP', abort);
    },
    thaw: async (unit, abort) => {
      await signalMain(unit, 'SIGCONT', abort);
    },
    disableNow: async (unit, abort) => {
      await act(['disable', '--now', serviceName(unit)], abort);
    },
    enableAndStart: async (unit, abort) => {
      await act(['enable', serviceName(unit)], abort);
      await act(['start', '--no-block', serviceName(unit)], abort);
    },
  };
}

/** Counts the running children of a program in a container. */
async function startedIn(inner: string): Promise<number | undefined> {
  const found = await whoRuns(inner);
  return found.length === 0 ? undefined : found.reduce((sum, { children }) => sum + children, 0);
}
