import { parseEnvironmentFile } from './environment-file.ts';
import { shellCommands, type Variables } from './shell-words.ts';
import type { UnitSettings } from './unit-settings.ts';

/** A program as a unit starts it, in a container or not. */
export type ProgramCommand = {
  /** The words behind the program's name. */
  args: readonly string[];
  /** What the program itself sees of the environment. */
  environment: Variables;
};

/**
 * How a unit starts one of these programs: its command lines with the variables in place that systemd, and a shell that it
 * starts, would put there.
 *
 * @param files the texts of the unit's environment files, in their order
 * @returns undefined when the unit starts none of them, or when only a shell could tell
 */
export function programOf(
  { commandLines, environment }: Pick<UnitSettings, 'commandLines' | 'environment'>,
  files: readonly string[],
  programs: readonly string[],
): { program: string; command: ProgramCommand } | undefined {
  const variables = new Map([
    ...assignments(wordsOf(environment)),
    ...files.flatMap((text) => [...parseEnvironmentFile(text)]),
  ]);
  for (const words of commandLines.flatMap((line) => commandsOf(line, variables) ?? []))
    for (const program of programs) {
      const command = commandIn(words, program, variables);
      if (command) return { program, command };
    }
  return undefined;
}

const assignments = (words: readonly string[]): [string, string][] =>
  words.flatMap((word) => {
    const equals = word.indexOf('=');
    return equals > 0 ? [[word.slice(0, equals), word.slice(equals + 1)] as [string, string]] : [];
  });

const baseOf = (word: string): string => word.slice(word.lastIndexOf('/') + 1);

const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash']);

/** Of `/bin/bash -c TEXT` the text: `systemctl show` prints the words of a command line without their quotes. */
function commandsOf(line: string, variables: Variables): string[][] | undefined {
  const [start = '', shell = '', options = ''] = /^(\S+)((?: -\w+)+) +/.exec(line) ?? [];
  if (!SHELLS.has(baseOf(shell)) || !options.endsWith('c')) return [systemdWords(line, variables)];
  return shellCommands(substituted(line.slice(start.length), variables), variables);
}

/**
 * A command line as systemd splits and expands it (systemd.service(5), "Command lines"): `$NAME` that is a whole word
 * becomes words, `${NAME}` is put in place as it is.
 */
const systemdWords = (line: string, variables: Variables): string[] =>
  wordsOf(line).flatMap((word) => {
    const name = /^\$([A-Za-z_]\w*)$/.exec(word)?.[1];
    return name === undefined ? [substituted(word, variables)] : wordsOf(variables.get(name) ?? '');
  });

/** systemd knows no other form: `${NAME:-word}` is left to the shell. */
const substituted = (text: string, variables: Variables): string =>
  text.replaceAll(/\$\$|\$\{([A-Za-z_]\w*)\}/g, (found, name: string | undefined) =>
    name === undefined ? found.slice(1) : (variables.get(name) ?? ''),
  );

/** Words with their quotes taken away. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [, double, single, bare] of text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g))
    words.push(double?.replaceAll(/\\(.)/g, '$1') ?? single ?? bare ?? '');
  return words;
}

/** Starts a program in place of itself, or with another environment. */
const WRAPPERS: ReadonlySet<string> = new Set(['exec', 'env', 'nice', 'ionice', 'taskset', 'hyperkube']);

function commandIn(
  words: readonly string[],
  program: string,
  variables: Variables,
): ProgramCommand | undefined {
  const own = words.findIndex((word) => !WRAPPERS.has(baseOf(word)) && !/^\w+=/.test(word));
  const first = baseOf(words[own] ?? '');
  if (first === program) return { args: words.slice(own + 1), environment: variables };
  return CONTAINER_TOOLS.has(first)
    ? commandInContainer(words.slice(own + 1), program, variables)
    : undefined;
}

const CONTAINER_TOOLS: ReadonlySet<string> = new Set(['podman', 'docker']);

/** Options of podman-run(1) and docker-run(1) that are followed by no value. */
const WITHOUT_VALUE: ReadonlySet<string> = new Set([
  '-d',
  '-i',
  '-t',
  '-P',
  '-q',
  '-it',
  '-ti',
  '--detach',
  '--disable-content-trust',
  '--env-host',
  '--http-proxy',
  '--init',
  '--interactive',
  '--no-healthcheck',
  '--no-hosts',
  '--oom-kill-disable',
  '--passwd',
  '--privileged',
  '--publish-all',
  '--quiet',
  '--read-only',
  '--replace',
  '--rm',
  '--rmi',
  '--sig-proxy',
  '--tls-verify',
  '--tty',
]);

/** What follows on the image; the program's name is the first word there, a later one behind a wrapper, or the entry point. */
function commandInContainer(
  words: readonly string[],
  program: string,
  variables: Variables,
): ProgramCommand | undefined {
  const run = words.indexOf('run');
  if (run < 0) return undefined;
  let at = run + 1;
  let entryPoint = '';
  const environment = new Map<string, string>();
  for (; words[at]?.startsWith('-') === true; at += 1) {
    const [, name = '', inline] = /^(--?[^=]*)(?:=(.*))?$/s.exec(words[at] ?? '') ?? [];
    const value = inline ?? (WITHOUT_VALUE.has(name) ? '' : (words[(at += 1)] ?? ''));
    if (name === '--entrypoint') entryPoint = baseOf(value);
    if (name !== '-e' && name !== '--env') continue;
    const [[key, text] = [value, variables.get(value) ?? '']] = assignments([value]);
    environment.set(key, text);
  }
  const inside = words.slice(at + 1);
  const named = inside.findIndex((word) => !WRAPPERS.has(baseOf(word)));
  if (baseOf(inside[named] ?? '') === program) return { args: inside.slice(named + 1), environment };
  return entryPoint === program ? { args: inside, environment } : undefined;
}

/**
 * The flags of a program, as Go's pflag reads them: the last one of a name wins, `_` is `-`.
 * A flag without a value is empty.
 */
export function flagsOf(args: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (const [index, word] of args.entries()) {
    const [, name, value] = /^--?([A-Za-z][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) continue;
    const next = args[index + 1] ?? '-';
    flags.set(name.replaceAll('_', '-'), value ?? (next.startsWith('-') ? '' : next));
  }
  return flags;
}
