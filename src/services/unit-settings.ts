import { serviceName, systemctlRunner } from './systemctl-run.ts';

/** How systemd starts a unit: what it says of its command lines and its environment, and the files that add to that. */
export type UnitSettings = { text: string; environmentFiles: string[] };

const QUICK_MS = 15_000;
const ENVIRONMENT_FILE = /^EnvironmentFiles=(\/.*?)(?: \(ignore_errors=\w+\))?$/;

/** @param program the systemctl to run */
export const unitSettings =
  (program: string) =>
  async (unit: string, abort: AbortSignal): Promise<UnitSettings> => {
    const wanted = '--property=ExecStart,Environment,EnvironmentFiles';
    return settingsOf(await systemctlRunner(program)(['show', wanted, serviceName(unit)], QUICK_MS, abort));
  };

/** What `systemctl show` prints, a property a line; of the files each has a line of its own. */
export function settingsOf(text: string): UnitSettings {
  const lines = text.split('\n');
  return {
    text: lines.filter((line) => /^(ExecStart|Environment)=/.test(line)).join('\n'),
    environmentFiles: lines.flatMap((line) => ENVIRONMENT_FILE.exec(line)?.[1] ?? []),
  };
}
