/** How systemd starts a unit: what it says of its command lines and its environment, and the files that add to that. */
export type UnitSettings = {
  text: string;
  /** The words of each `ExecStart=`, without their quotes; no variable is expanded. */
  commandLines: string[];
  /** `NAME=value` words, quoted where they need it. */
  environment: string;
  environmentFiles: string[];
};

const ENVIRONMENT_FILE = /^EnvironmentFiles=(\/.*?)(?: \(ignore_errors=\w+\))?$/;
const ENVIRONMENT = 'Environment=';

/** What `systemctl show` prints, a property a line; of the files each has a line of its own. */
export function settingsOf(text: string): UnitSettings {
  const lines = text.split('\n');
  return {
    text: lines.filter((line) => /^(ExecStart|Environment)=/.test(line)).join('\n'),
    commandLines: lines.flatMap(commandLine),
    environment: lines.find((line) => line.startsWith(ENVIRONMENT))?.slice(ENVIRONMENT.length) ?? '',
    environmentFiles: lines.flatMap((line) => ENVIRONMENT_FILE.exec(line)?.[1] ?? []),
  };
}

const ARGUMENTS = ' argv[]=';

/** `ExecStart={ path=... ; argv[]=... ; ignore_errors=no ; ... }` */
function commandLine(line: string): string[] {
  const start = line.startsWith('ExecStart=') ? line.indexOf(ARGUMENTS) : -1;
  const end = line.lastIndexOf(' ; ignore_errors=');
  return start < 0 || end < 0 ? [] : [line.slice(start + ARGUMENTS.length, end)];
}
