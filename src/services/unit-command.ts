import { parseEnvironmentFile } from './environment-file.ts';
import { shellCommands, type Variables } from './shell-words.ts';
import type { UnitSettings } from './unit-settings.ts';

/** The command of a program that a unit starts, in a container or not. */
export type ProgramCommand = {
  /** The words after the program's name. */
  args: readonly string[];
  /** The environment that the program itself sees. */
  environment: Variables;
};

/**
 * Finds how a unit starts one of the given programs: its command lines, with variables expanded as systemd and a shell
 * started by it would do.
 *
 * @param files the texts of the unit's environment files, in order
 * @returns undefined if the unit starts none of them, or if only a shell could evaluate the line
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

/**
 * Extracts the text of `/bin/bash -c TEXT`: `systemctl show` prints the words of a command line without their quotes.
 */
function commandsOf(line: string, variables: Variables): string[][] | undefined {
  const [start = '', shell = '', options = ''] = /^(\S+)((?: -\w+)+) +/.exec(line) ?? [];
  if (!SHELLS.has(baseOf(shell)) || !options.endsWith('c')) return [systemdWords(line, variables)];
  return shellCommands(substituted(line.slice(start.length), variables), variables);
}

/**
 * Splits and expands a command line as systemd does (systemd.service(5), "Command lines"): `$NAME` as a whole word is
 * split into words; `${NAME}` is inserted unchanged.
 */
const systemdWords = (line: string, variables: Variables): string[] =>
  wordsOf(line).flatMap((word) => {
    const name = /^\$([A-Za-z_]\w*)$/.exec(word)?.[1];
    return name === undefined ? [substituted(word, variables)] : wordsOf(variables.get(name) ?? '');
  });

/** systemd supports no other form: `${NAME:-word}` is left to the shell. */
const substituted = (text: string, variables: Variables): string =>
  text.replaceAll(/\$\$|\$\{([A-Za-z_]\w*)\}/g, (found, name: string | undefined) =>
    name === undefined ? found.slice(1) : (variables.get(name) ?? ''),
  );

/** Splits text into words and removes their quotes. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [, double, single, bare] of text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g))
    words.push(double?.replaceAll(/\\(.)/g, '$1') ?? single ?? bare ?? '');
  return words;
}

/** Programs that start another program in their place or with another environment. */
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

/** Options of podman-run(1) and docker-run(1) without a value. */
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

/**
 * Reads the image and what follows it. The program's name is the first word after the image, a later word after a
 * wrapper, or the entry point.
 */
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
 * Parses the flags of a program as Go's pflag does: the last one of a name wins, `_` equals `-`. A flag without a value
 * is empty.
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
