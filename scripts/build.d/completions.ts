import type { VerbFacts, VerbOption } from './verbs.ts';

/** The names under which the program is called. */
const NAMES = ['coe-agent', 'agent'] as const;

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
    _coe_agent_words '${all.map(({ name }) => name).join(' ')} help --help --version' "$current"
    return
  fi
  case "$previous" in
${values.join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${options.join('\n')}
  esac
}

complete -F _coe_agent ${NAMES.join(' ')}
`;
}

/** Quotes a text in single quotes, without characters that are special in zsh; fish reads the same. */
const quoted = (text: string): string => `'${text.replaceAll("'", '').replaceAll(/[[\]:\\]/g, ' ')}'`;

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
  return `'${option.long}[${quoted(option.description).slice(1, -1)}]${value}'`;
};

/** Makes the script for zsh's compsys (zshcompsys(1)). */
export function zshCompletion(all: readonly VerbFacts[]): string {
  const cases = all.map(({ name, words, options }) => {
    const given = words.map((choices, index) => `'${index + 1}: :(${choices.join(' ')})'`);
    return `    ${name}) _arguments ${[...given, ...options.map(spec)].join(' ')} ;;`;
  });
  return `#compdef ${NAMES.join(' ')}
# zsh completion of coe-agent, made from its command line
if (( CURRENT == 2 )); then
  local -a verbs
  verbs=(${all.map(({ name, description }) => `'${name}:${quoted(description).slice(1, -1)}'`).join(' ')})
  _describe verb verbs
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

/** Makes the script for fish (complete(1)). */
export function fishCompletion(all: readonly VerbFacts[]): string {
  const lines = NAMES.flatMap((program) => [
    `complete -c ${program} -f`,
    ...all.map(
      ({ name, description }) =>
        `complete -c ${program} -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
    ),
    ...all
      .filter(({ words }) => words.length > 0)
      .map(
        ({ name, words }) =>
          `complete -c ${program} -n '__fish_seen_subcommand_from ${name}' -a '${words.flat().join(' ')}'`,
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
        return `complete -c ${program} -n '__fish_seen_subcommand_from ${verb.name}' -l ${option.long.replace(/^--/, '')}${value[kindOf(option)]} -d ${quoted(option.description)}`;
      }),
    ),
  ]);
  return `# fish completion of coe-agent, made from its command line\n${lines.join('\n')}\n`;
}
