import { buildProgram } from '../../agent/cli.ts';
import { factsOf, type HelpFacts } from '../../agent/cli/help.ts';

/** An option of a verb; `value` is its argument, as in `<file>`. */
export type VerbOption = {
  flags: string;
  long: string;
  description: string;
  value: string | undefined;
  choices: readonly string[];
};

export type VerbFacts = HelpFacts & {
  name: string;
  description: string;
  /** The words that may follow the verb, one of each list. */
  words: readonly (readonly string[])[];
  options: readonly VerbOption[];
};

const withChoices = (text: string, choices: readonly string[]): string =>
  choices.length === 0 ? text : `${text} (${choices.join(', ')})`;

/** Returns every verb as the command line defines it, for generated files. */
export function verbs(): VerbFacts[] {
  const silent = { write: () => true };
  const program = buildProgram(
    { argv: [], env: {}, pid: 0, stdout: silent, stderr: silent },
    () => () => Promise.resolve(),
  );
  const help = program.createHelp();
  return help
    .visibleCommands(program)
    .filter((command) => command.name() !== 'help')
    .map((command) => ({
      name: command.name(),
      description: command.description(),
      ...factsOf(command.name()),
      words: command.registeredArguments.map(({ argChoices = [] }) => argChoices),
      options: help.visibleOptions(command).map((option) => ({
        flags: option.flags,
        long: option.long ?? option.flags,
        description: withChoices(option.description, option.argChoices ?? []),
        value: /<([^>.]+)/.exec(option.flags)?.[1],
        choices: option.argChoices ?? [],
      })),
    }));
}
