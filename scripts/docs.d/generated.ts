import { EVENTS, isNotified, ON_NODE } from '../../agent/events.ts';
import { messageId } from '../../agent/journal.ts';
import { METRICS } from '../../agent/metrics/catalogue.ts';
import { type VerbFacts, verbs } from '../build.d/verbs.ts';

/** The parts of docs/ that are generated from the code, by page and by the name between the marks. */
export const GENERATED: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'docs/cli.md': { verbs: () => verbs().map(verbSection).join('\n\n') },
  'docs/monitoring.md': { metrics: metricsTable, events: eventsTable, 'events on the Node': nodeEventsTable },
};

/** Escapes a text for a cell of a Markdown table. */
const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

function verbSection({ name, description, words, options, examples, exits }: VerbFacts): string {
  return [
    `## agent ${name}`,
    '',
    description,
    '',
    ...words.flatMap((choices) => [`Usage: \`agent ${name} ${choices.join('|')} [options]\``, '']),
    '| option | meaning |',
    '|---|---|',
    ...options.map((option) => `| \`${cell(option.flags)}\` | ${cell(option.description)} |`),
    '',
    '```',
    ...examples.flatMap(([command, what], index) => [...(index > 0 ? [''] : []), `# ${what}`, command]),
    '```',
    '',
    '| exit code | meaning |',
    '|---|---|',
    ...exits.map(([code, meaning]) => `| ${code} | ${cell(meaning)} |`),
  ].join('\n');
}

function metricsTable(): string {
  const rows = Object.entries(METRICS).map(([name, help]) => `| \`${name}\` | ${help} |`);
  return ['| metric | meaning |', '|---|---|', ...rows].join('\n');
}

function eventsTable(): string {
  const rows = Object.entries(EVENTS).map(([event, [level, message]]) => {
    const told = isNotified({ event, level }) ? 'yes' : '';
    return `| \`${event}\` | ${level} | ${message} | ${told} | \`${messageId(event)}\` |`;
  });
  return ['| event | level | message | notify | MESSAGE_ID |', '|---|---|---|---|---|', ...rows].join('\n');
}

function nodeEventsTable(): string {
  const rows = ON_NODE.map(({ event, where, reason }) => {
    const type = EVENTS[event][0] === 'info' ? 'Normal' : 'Warning';
    const conditions = (where ?? []).map(
      ({ field, is: values }) => `\`${field}\` is ${values.map((is) => `\`${is}\``).join(' or ')}`,
    );
    const only = conditions.length > 0 ? `, where ${conditions.join(' and ')}` : '';
    return `| \`${reason}\` | ${type} | \`${event}\`${only} |`;
  });
  return ['| reason | type | event |', '|---|---|---|', ...rows].join('\n');
}

/** Returns a page with its generated parts renewed. @throws if the page has no place for a part */
export function renewed(page: string, text: string): string {
  return Object.entries(GENERATED[page] ?? {}).reduce((now, [name, make]) => {
    const [begin, end] = [`<!-- generated: ${name} (npm run docs) -->`, `<!-- end: ${name} -->`];
    const [from, to] = [now.indexOf(begin), now.indexOf(end)];
    if (from === -1 || to === -1) throw new Error(`${page}: no place for ${name}`);
    return `${now.slice(0, from + begin.length)}\n\n${make()}\n\n${now.slice(to)}`;
  }, text);
}
