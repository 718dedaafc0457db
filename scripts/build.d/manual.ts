import type { VerbFacts } from './verbs.ts';

/** Escapes a text for roff(7): no request at the start of a line, a hyphen that can be copied. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll(/^(?=[.'])/gm, String.raw`\&`);

const title = (name: string, version: string): string =>
  `.TH ${name.toUpperCase()} 8 "" "coe-agent ${version}" "System Administration"`;

/** Makes the man pages of the program and of each verb, by file name (man(7)). */
export function manualPages(all: readonly VerbFacts[], version: string): Map<string, string> {
  const pages = new Map<string, string>();
  pages.set('coe-agent.8', overview(all, version));
  for (const verb of all) pages.set(`coe-agent-${verb.name}.8`, pageOf(verb, version));
  return pages;
}

function overview(all: readonly VerbFacts[], version: string): string {
  return [
    title('coe-agent', version),
    '.SH NAME',
    roff("coe-agent - replaces the certificates of a Magnum cluster's node"),
    '.SH SYNOPSIS',
    String.raw`.B coe\-agent`,
    '.I verb',
    '[options]',
    '.SH VERBS',
    ...all.flatMap(({ name, description }) => [
      '.TP',
      `.BR ${roff(`coe-agent-${name}`)} (8)`,
      roff(description),
    ]),
    '.SH FILES',
    '.TP',
    '/etc/coe\\-agent/agent.yaml',
    'the configuration',
    '.TP',
    '/opt/coe\\-agent/docs/',
    'the guides',
    '',
  ].join('\n');
}

function pageOf({ name, description, words, options, examples, exits }: VerbFacts, version: string): string {
  return [
    title(`coe-agent-${name}`, version),
    '.SH NAME',
    roff(`coe-agent-${name} - ${description}`),
    '.SH SYNOPSIS',
    `.B coe\\-agent ${roff(name)}`,
    ...words.map((choices) => roff(choices.join(' | '))),
    '[options]',
    '.SH OPTIONS',
    ...options.flatMap((option) => ['.TP', `.B ${roff(option.flags)}`, roff(option.description)]),
    '.SH EXAMPLES',
    ...examples.flatMap(([command, what]) => ['.TP', `.B ${roff(command)}`, roff(what)]),
    '.SH EXIT STATUS',
    ...exits.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, roff(meaning)]),
    '.SH SEE ALSO',
    String.raw`.BR coe\-agent (8)`,
    '',
  ].join('\n');
}
