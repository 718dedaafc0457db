import type { VerbFacts, VerbOption } from './verbs.ts';

/** The names under which the program is called. */
const NAMES = ['coe-agent', 'agent'] as const;

/** The words of the program itself, which are no verbs. */
const PROGRAM = [
  { word: 'help', description: 'display help for a verb' },
  { word: '--help', description: 'display help' },
  { word: '--version', description: 'print the version' },
] as const;

/** The kind of an option's value: files, directories, or nothing that can be listed. */
const kindOf = ({ value, choices }: VerbOption): 'words' | 'file' | 'dir' | 'other' | 'none' => {
  if (value === undefined) return 'none';
  if (choices.length > 0) return 'words';
  return value === 'file' || value === 'dir' ? value : 'other';
};

const unique = (all: readonly VerbFacts[]): VerbOption[] => [
  ...new Map(all.flatMap(({ options }) => options.map((option) => [option.long, option] as const))).values(),
];

/** Makes the script for bash-completion(7): it completes verbs, their options, and enumerable values. */
export function bashCompletion(all: readonly VerbFacts[]): string {
  const values = unique(all).flatMap((option): string[] => {
    switch (kindOf(option)) {
      case 'words':
        return [`    ${option.long}) _coe_agent_words '${option.choices.join(' ')}' "$current"; return ;;`];
      case 'file':
        return [
          `    ${option.long}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;`,
        ];
      case 'dir':
        return [
          `    ${option.long}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;`,
        ];
      case 'other':
        return [`    ${option.long}) return ;;`];
      case 'none':
        return [];
    }
  });
  const options = all.map(
    (verb) =>
      `    ${verb.name}) _coe_agent_words '${[...verb.words.flat(), ...verb.options.map(({ long }) => long)].join(' ')}' "$current" ;;`,
  );
  return `# bash completion of coe-agent, made from its command line
_coe_agent_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_coe_agent() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _coe_agent_words '${[...all.map(({ name }) => name), ...PROGRAM.map(({ word }) => word)].join(' ')}' "$current"
    return
  fi
  case "$previous" in
${values.join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
    help) [ "$COMP_CWORD" -gt 2 ] || _coe_agent_words '${all.map(({ name }) => name).join(' ')}' "$current" ;;
${options.join('\n')}
  esac
}

complete -F _coe_agent ${NAMES.join(' ')}
`;
}

/** Quotes a text for zsh: a single quote ends the quoting, adds a quoted one, and begins again. */
const forZsh = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Escapes characters that separate the parts of a specification (zshcompsys(1)). */
const part = (text: string): string => text.replaceAll(/[[\]:\\]/g, String.raw`\$&`);

/** Quotes a text for fish, where a backslash escapes a single quote. */
const forFish = (text: string): string => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;

/** Formats an option for _arguments. */
const spec = (option: VerbOption): string => {
  const action = {
    words: `(${option.choices.join(' ')})`,
    file: '_files',
    dir: '_files -/',
    other: ' ',
    none: '',
  };
  const kind = kindOf(option);
  const value = kind === 'none' ? '' : `:${option.value ?? ''}:${action[kind]}`;
  return forZsh(`${option.long}[${part(option.description)}]${value}`);
};

/** Formats a word for _describe. */
const described = (word: string, description: string): string => forZsh(`${word}:${description}`);

const programWords = (areOptions: boolean): string =>
  PROGRAM.filter(({ word }) => word.startsWith('-') === areOptions)
    .map(({ word, description }) => described(word, description))
    .join(' ');

/** Makes the script for zsh's compsys (zshcompsys(1)). */
export function zshCompletion(all: readonly VerbFacts[]): string {
  const cases = all.map(({ name, words, options }) => {
    const given = words.map((choices, index) => `'${index + 1}: :(${choices.join(' ')})'`);
    return `    ${name}) _arguments ${[...given, ...options.map(spec)].join(' ')} ;;`;
  });
  return `#compdef ${NAMES.join(' ')}
# zsh completion of coe-agent, made from its command line
local -a verbs options
verbs=(${all.map(({ name, description }) => described(name, description)).join(' ')})
options=(${programWords(true)})
if (( CURRENT == 2 )); then
  verbs+=(${programWords(false)})
  _describe -o option options
  _describe verb verbs
elif [[ $words[2] == help ]]; then
  (( CURRENT == 3 )) && _describe verb verbs
else
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${cases.join('\n')}
  esac
fi
`;
}

/** fish searches completions by the name of the program: the short name has a file of its own. */
export const FISH_ALIAS = `# fish completion of coe-agent under its short name
complete -c agent -w coe-agent
`;

/** Makes the script for fish (complete(1)). */
export function fishCompletion(all: readonly VerbFacts[]): string {
  const names = all.map(({ name }) => name).join(' ');
  const lines = [
    'complete -c coe-agent -f',
    ...all.map(
      ({ name, description }) =>
        `complete -c coe-agent -n __fish_use_subcommand -a ${name} -d ${forFish(description)}`,
    ),
    ...PROGRAM.map(({ word, description }) => {
      const offered = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c coe-agent -n __fish_use_subcommand ${offered} -d ${forFish(description)}`;
    }),
    `complete -c coe-agent -n '__fish_seen_subcommand_from help; and not __fish_seen_subcommand_from ${names}' -a '${names}'`,
    ...all.flatMap(({ name, words }) =>
      words.map((choices) => {
        const given = choices.join(' ');
        return `complete -c coe-agent -n '__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${given}' -a '${given}'`;
      }),
    ),
    ...all.flatMap((verb) =>
      verb.options.map((option) => {
        const value = {
          words: ` -x -a '${option.choices.join(' ')}'`,
          file: ' -r -F',
          dir: " -x -a '(__fish_complete_directories)'",
          other: ' -x',
          none: '',
        };
        return `complete -c coe-agent -n '__fish_seen_subcommand_from ${verb.name}' -l ${option.long.replace(/^--/, '')}${value[kindOf(option)]} -d ${forFish(option.description)}`;
      }),
    ),
  ];
  return `# fish completion of coe-agent, made from its command line\n${lines.join('\n')}\n`;
}
