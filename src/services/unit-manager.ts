import { CONTROL_GROUPS } from './control-groups.ts';
import { signalProcess, whoRuns } from './processes.ts';
import { factsOf, serviceName, systemctlRunner } from './systemctl-run.ts';

/** How a unit is installed and what it does now. */
export type UnitStatus = {
  enabled: boolean;
  active: boolean;
  /** Nobody can start it; one that ran before goes on until it is stopped. */
  masked: boolean;
  /** What it has started and still runs, beside its main process; undefined where that cannot be told. */
  others: number | undefined;
};

/** Takes units into service and out of it (systemctl(1)); what a rotation does to units is in restart.ts. */
export type UnitManager = {
  /** undefined: the node has no such unit. */
  status(unit: string, abort: AbortSignal): Promise<UnitStatus | undefined>;
  /** Its main process does nothing until it thaws; what it has started goes on. */
  freeze(unit: string, abort: AbortSignal): Promise<void>;
  thaw(unit: string, abort: AbortSignal): Promise<void>;
  /** Stops it, and keeps it from starting with the next boot. */
  disableNow(unit: string, abort: AbortSignal): Promise<void>;
  /** Starts it with every boot, and now; it is not waited for, which may take as long as the cloud is away. */
  enableAndStart(unit: string, abort: AbortSignal): Promise<void>;
};

const DEADLINE_MS = 90_000;

/**
 * @param program the systemctl to run
 * @param read a file of the node; undefined when it has none
 * @param contained units whose program runs in a container, out of systemd's sight, and the name of that program
 */
export function createUnitManager(
  program: string,
  read: (path: string) => Promise<string | undefined>,
  contained: ReadonlyMap<string, string> = new Map(),
): UnitManager {
  const run = systemctlRunner(program);
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

/** How much runs of what a program in a container has started. */
async function startedIn(inner: string): Promise<number | undefined> {
  const found = await whoRuns(inner);
  return found.length === 0 ? undefined : found.reduce((sum, { children }) => sum + children, 0);
}
