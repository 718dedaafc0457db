import { AgentError } from '../base/errors.ts';
import { factsOf, serviceName, systemctlRunner } from './systemctl-run.ts';

/** How a unit is installed and what it does now. */
export type UnitStanding = {
  enabled: boolean;
  active: boolean;
  /** Threads of all its processes; undefined where systemd does not count them. */
  tasks: number | undefined;
};

/** Takes units into service and out of it (systemctl(1)); what a rotation does to units is in restart.ts. */
export type UnitKeeper = {
  /** undefined: the node has no such unit. */
  standing(unit: string, signal: AbortSignal): Promise<UnitStanding | undefined>;
  /** Its main process does nothing until it thaws; what it has started goes on. */
  freeze(unit: string, signal: AbortSignal): Promise<void>;
  thaw(unit: string, signal: AbortSignal): Promise<void>;
  /** Stops it, and keeps it from starting with the next boot. */
  retire(unit: string, signal: AbortSignal): Promise<void>;
  /** Starts it with every boot, and now. */
  employ(unit: string, signal: AbortSignal): Promise<void>;
};

const DEADLINE_MS = 90_000;

/** @param program the systemctl to run */
export function createUnitKeeper(program: string): UnitKeeper {
  const run = systemctlRunner(program);
  const act = async (args: string[], signal: AbortSignal): Promise<void> => {
    await run(args, DEADLINE_MS, signal);
  };
  return {
    standing: async (unit, signal) => {
      const wanted = '--property=LoadState,ActiveState,UnitFileState,TasksCurrent';
      const text = await run(['show', wanted, serviceName(unit)], DEADLINE_MS, signal);
      const facts = factsOf(text);
      if (facts.get('LoadState') === 'masked')
        throw new AgentError('unit', `the unit ${unit} is masked: systemctl unmask ${unit}`);
      if (facts.get('LoadState') !== 'loaded') return undefined;
      const tasks = Number(facts.get('TasksCurrent') || Number.NaN);
      return {
        enabled: facts.get('UnitFileState')?.startsWith('enabled') === true,
        active: facts.get('ActiveState') === 'active',
        tasks: Number.isNaN(tasks) ? undefined : tasks,
      };
    },
    freeze: async (unit, signal) => {
      await act(['kill', '--kill-who=main', '--signal=SIGSTOP', serviceName(unit)], signal);
    },
    thaw: async (unit, signal) => {
      await act(['kill', '--kill-who=main', '--signal=SIGCONT', serviceName(unit)], signal);
    },
    retire: async (unit, signal) => {
      await act(['disable', '--now', serviceName(unit)], signal);
    },
    employ: async (unit, signal) => {
      await act(['enable', '--now', serviceName(unit)], signal);
    },
  };
}
