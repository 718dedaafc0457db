/** How systemd starts a unit: its command lines and environment, and its environment files. */
export type UnitSettings = {
  text: string;
  /** The words of each `ExecStart=` without quotes; variables are not expanded. */
  commandLines: string[];
  /** `NAME=value` words, quoted if necessary. */
  environment: string;
  environmentFiles: string[];
};

const ENVIRONMENT_FILE = /^EnvironmentFiles=(\/.*?)(?: \(ignore_errors=\w+\))?$/;
const ENVIRONMENT = 'Environment=';

/** Parses the output of `systemctl show`: one property per line, one line per environment file. */
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
