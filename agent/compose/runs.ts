import { join } from 'node:path';
import { NEVER, type Clock, systemClock } from '../../src/base/clock.ts';
import type { Disk } from '../../src/base/disk.ts';
import type { Secrets } from '../../src/base/secrets.ts';
import { baseEnvironment } from '../../src/hooks/environment.ts';
import { findHook, HOOK_DIRECTORIES } from '../../src/hooks/find.ts';
import { killUnit } from '../../src/hooks/kill-unit.ts';
import { ageOf, bootId, presenceOf } from '../../src/hooks/process.ts';
import type { RunHands } from '../../src/hooks/run.ts';
import { createRuns, unitOf } from '../../src/hooks/runs.ts';
import type { Systemctl, UnitState } from '../../src/services/systemctl.ts';
import type { Config } from '../config.ts';
import type { Hands } from '../hands.ts';

/**
 * Builds the hooks. The operator's own directories come first. Only they may contain a hook `script`: in other
 * directories it is the predecessor's.
 */
export function hooksOf(config: Config, env: NodeJS.ProcessEnv, disk: Disk): Hands['hooks'] {
  const chosen = [...config.hooks.path, ...(env['HEAT_CONFIG_HOOKS'] ? [env['HEAT_CONFIG_HOOKS']] : [])];
  const { timeout_seconds: timeout, grace_seconds: grace } = config.scripts;
  return {
    find: async (name) => {
      const directories = name === 'script' ? chosen : [...chosen, ...HOOK_DIRECTORIES];
      return await findHook(name, directories, disk);
    },
    settings: { base: baseEnvironment(env), timeoutMs: timeout * 1000, graceMs: grace * 1000 },
  };
}

export async function runsOf(parts: {
  config: Config;
  root: string;
  /** The parent directory of all runs. */
  directory: string;
  disk: Disk;
  clock: Clock;
  secrets: Secrets;
  self: readonly string[];
  systemctl: () => Promise<Systemctl>;
}): Promise<RunHands> {
  const { config, root, directory, disk, clock, secrets, self, systemctl } = parts;
  const { memory_max: memoryMax, tasks_max: tasksMax } = config.scripts;
  const at = (path: string): string => join(root, path);
  // sd_booted(3). With --root there is no systemd.
  const hasSystemd = root === '/' && (await disk.info('/run/systemd/system'))?.type === 'directory';
  const show = async (unit: string): Promise<UnitState> => await (await systemctl()).show(unit, NEVER);
  const isActive = async (unit: string): Promise<boolean> => (await show(unit)).active === 'active';
  return {
    disk,
    clock,
    secrets,
    at,
    presenceOf,
    ageOf: async (one) => await ageOf(one, { pid: process.pid, ageMs: process.uptime() * 1000 }),
    killUnit,
    runs: createRuns(directory, { disk, at, presenceOf, bootId }),
    start: async (...what) => {
      const { createStart } = await import('../../src/hooks/start.ts');
      return await createStart(
        [...self, 'supervise'],
        { memoryMax, tasksMax },
        isActive,
        systemClock,
      )(...what);
    },
    unitFor: (id) => (hasSystemd ? unitOf(id) : undefined),
    endOfUnit: async (unit) => (hasSystemd ? (await show(unit)).result : undefined),
    forgetUnit: async (unit) => {
      if (hasSystemd) await (await systemctl()).resetFailed(unit, NEVER);
    },
  };
}
