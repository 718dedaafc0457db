import type { Result } from './run.ts';
import { type Row, sumOf } from './tally.ts';
import type { StreamCount } from './streams.ts';

/** Formats a result as one table for people; the JSON has all of it. */
export function report({ began, seconds, marks, rows, streams, recorded, machine }: Result): string[] {
  const lines = [
    `load of ${seconds} s since ${began}`,
    `this machine: ${machine.slow} of ${machine.total} checks of itself were slow, the longest took ${ms(machine.longestMs)}`,
    `the cluster was checked ${recorded.looks.count} times, the longest check took ${ms(recorded.looks.longestMs)}`,
    '',
    ...table(
      [
        'since',
        'client',
        'does',
        'at',
        'as',
        'expected',
        'attempts',
        'failed',
        'skipped',
        'machine',
        'longest outage',
        'why',
      ],
      marks.flatMap(({ name }) =>
        rows
          .filter(({ mark }) => mark === name)
          .map((row) => [
            name,
            row.client,
            row.does,
            row.at,
            row.as,
            row.expected ? 'yes' : 'no',
            row.attempts,
            failed(row),
            row.skipped,
            row.failed.machine ?? 0,
            row.longestOutageMs === 0 ? '-' : ms(row.longestOutageMs),
            reasons(row),
          ]),
      ),
    ),
    '',
    ...table(
      [
        'since',
        'at',
        'expected attempts',
        'failed',
        'could not be made',
        'unexpected attempts',
        'accepted unexpectedly',
      ],
      marks.map(({ name, at }) => {
        const here = rows.filter(({ mark }) => mark === name);
        const [should, shouldNot] = [here.filter((row) => row.expected), here.filter((row) => !row.expected)];
        return [
          name,
          at.slice(11, 19),
          attempts(should),
          sumOf(should.map(failed)),
          sumOf(here.map((row) => row.skipped + (row.failed.machine ?? 0))),
          attempts(shouldNot),
          sumOf(shouldNot.map((row) => row.attempts - failed(row) - (row.failed.machine ?? 0))),
        ];
      }),
    ),
    '',
    ...table(
      ['stream', 'does', 'at', 'as', 'opened', 'lines', 'longest', 'longest silence', 'ends'],
      streams
        .filter(({ opened, ends }) => opened > 0 || ends.length > 0)
        .map((one) => [
          one.client,
          one.does,
          one.at,
          one.as,
          one.opened,
          one.lines,
          ms(one.longestMs),
          ms(one.silentMs),
          endsOf(one),
        ]),
    ),
    '',
    ...table(
      ['what', 'how long it was how'],
      Object.entries(recorded.seconds).map(([what, states]) => [
        what,
        Object.entries(states)
          .map(([state, seconds]) => `${state} ${seconds.toFixed(0)} s`)
          .join(', '),
      ]),
    ),
  ];
  return lines;
}

const attempts = (of: readonly Row[]): number => sumOf(of.map((row) => row.attempts));

/** The failures of the cluster. */
const failed = ({ failed }: Row): number =>
  sumOf(Object.entries(failed).map(([why, count]) => (why === 'machine' ? 0 : count)));

const reasons = ({ failed }: Row): string =>
  Object.entries(failed)
    .map(([why, count]) => `${why} ${count}`)
    .join(', ');

function endsOf({ ends }: StreamCount): string {
  const counts = new Map<string, number>();
  for (const { why } of ends) {
    const short = why.split(':')[0] ?? why;
    counts.set(short, (counts.get(short) ?? 0) + 1);
  }
  return [...counts].map(([why, count]) => `${why} ${count}`).join(', ');
}

const ms = (value: number): string => `${(value / 1000).toFixed(1)} s`;

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const all = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
