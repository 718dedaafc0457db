import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** The shells that the Debian package has completion for. Each function returns the offers for the last word of a line. */
export type Shells = Record<'bash' | 'zsh' | 'fish', (line: string) => Promise<string[]>>;

const DEADLINE_MS = 30_000;

/**
 * Loads completion as bash-completion does after the first Tab, by the name of the program. 124 means that the
 * completion of the name was loaded, and is to be used now.
 */
const BASH = `
. /usr/share/bash-completion/bash_completion
COMP_LINE=$1
COMP_POINT=\${#1}
read -ra COMP_WORDS <<<"$1"
case $1 in *' ') COMP_WORDS+=('') ;; esac
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_completion_loader "\${COMP_WORDS[0]}"
[ $? = 124 ] || exit 1
function=$(complete -p "\${COMP_WORDS[0]}" | sed -n 's/.*-F \\([^ ]*\\) .*/\\1/p')
"$function" "\${COMP_WORDS[0]}" "\${COMP_WORDS[COMP_CWORD]}"
printf '%s\\n' "\${COMPREPLY[@]}"
`;

/** Prepares an interactive zsh. Completion functions give their offers to compadd; this one also stores them. */
const ZSH_START = `
PS1= PS2= RPS1=
fpath=($COMPLETIONS $fpath)
autoload -Uz compinit
compinit -u -D
compadd() {
  local -a offered
  # Completion functions also call compadd to filter words: then it offers none.
  if (( ! \${@[(I)-*[OAD]*]} )); then
    builtin compadd -O offered "$@"
    print -rl -- $offered >>$OFFERS
  fi
  builtin compadd "$@"
}
show-end() { zle -I; print -- -END- }
zle -N show-end
bindkey '^X' show-end
print -- -READY-
`;

/** Types the line, a Tab, and the key bound to `show-end`. */
const ZSH = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z ". $START"
zpty -r -m z out '*-READY-*'
zpty -w -n z "$1"$'\\t\\x18'
zpty -r -m z out '*-END-*'
zpty -d z
sort -u $OFFERS
`;

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/**
 * Prepares the shells for a Debian package that is unpacked at `root`, not installed.
 *
 * @param folder for scripts and for links to the program, because shells complete only existing programs
 */
export async function shellsFor(root: string, folder: string): Promise<Shells> {
  const share = join(root, 'usr/share');
  for (const name of ['coe-agent', 'agent']) await execa('ln', ['-s', '/bin/true', join(folder, name)]);
  await writeFile(join(folder, 'bash.sh'), BASH);
  await writeFile(join(folder, 'zsh.zsh'), ZSH);
  await writeFile(join(folder, 'start.zsh'), ZSH_START);
  const run = async (program: string, ...args: string[]): Promise<string> => {
    const env = {
      PATH: `${folder}:/usr/bin:/bin`,
      HOME: folder,
      TERM: 'xterm',
      XDG_DATA_DIRS: share,
      START: join(folder, 'start.zsh'),
      COMPLETIONS: join(share, 'zsh/vendor-completions'),
      OFFERS: join(folder, 'offers'),
    };
    const options = { env, extendEnv: false, cwd: folder, timeout: DEADLINE_MS, reject: false } as const;
    return (await execa(program, args, options)).stdout;
  };
  return {
    bash: async (line) => lines(await run('bash', join(folder, 'bash.sh'), line)),
    zsh: async (line) => {
      await rm(join(folder, 'offers'), { force: true });
      return lines(await run('zsh', '-f', join(folder, 'zsh.zsh'), line));
    },
    fish: async (line) =>
      lines(await run('fish', '-c', 'complete -C "$argv[1]"', line)).map(
        (offer) => offer.split('\t')[0] ?? '',
      ),
  };
}
