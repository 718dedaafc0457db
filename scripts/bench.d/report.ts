import { styleText } from 'node:util';
import { PARTS } from './parts.ts';
import { CERTIFICATES, type Run } from './run.ts';

type Row = {
  name: string;
  unit: string;
  of: (run: Run) => number | number[];
  digits?: number;
  /** The upper limit for the median. */
  aim?: { most: number; why: string };
};

const IDLE_MB = 65;
const POLL_MS = 5;
const OVERHEAD = 1.1;

function rowsOf(runs: readonly Run[]): Row[][] {
  const bounds = runs.flatMap((run) => run.bounds);
  const bound = median(bounds.map(({ keys, cloud }) => Math.max(keys, cloud))) * OVERHEAD;
  const rotation: Row[] = [
    {
      name: 'rotation, seen to acknowledged',
      unit: 's',
      of: ({ rotation }) => rotation.total / 1000,
      aim: { most: bound / 1000, why: 'the slower of the next two + 10 %' },
    },
    {
      name: `  ${CERTIFICATES} RSA 4096 keys alone`,
      unit: 's',
      of: (run) => run.bounds.map(({ keys }) => keys / 1000),
    },
    {
      name: "  the cloud's answers alone",
      unit: 's',
      of: (run) => run.bounds.map(({ cloud }) => cloud / 1000),
    },
    ...PARTS.map((part): Row => {
      return { name: `  part: ${part}`, unit: 's', of: ({ rotation }) => rotation.parts[part] / 1000 };
    }),
    { name: '  CPU time, agent', unit: 's', of: ({ rotation }) => rotation.cpu / 1000 },
    { name: '  CPU time, programs it runs', unit: 's', of: ({ rotation }) => rotation.programs / 1000 },
    { name: '  peak memory', unit: 'MB', digits: 0, of: ({ rotation }) => rotation.peak },
    { name: '  requests', unit: '', digits: 0, of: ({ rotation }) => rotation.requests },
  ];
  const idle: Row[] = [
    {
      name: 'idle daemon, resident after 20 polls',
      unit: 'MB',
      digits: 1,
      of: ({ idle }) => idle.resident,
      aim: { most: IDLE_MB, why: '' },
    },
    { name: '  of it, its own (anonymous)', unit: 'MB', digits: 1, of: ({ idle }) => idle.anonymous },
    { name: '  CPU per poll, the first 20', unit: 'ms', digits: 1, of: ({ idle }) => idle.firstPolls },
    {
      name: '  CPU per poll, later',
      unit: 'ms',
      digits: 1,
      of: ({ idle }) => idle.laterPolls,
      aim: { most: POLL_MS, why: '' },
    },
    {
      name: '  requests per poll',
      unit: '',
      digits: 1,
      of: ({ idle }) => idle.requests,
      aim: { most: 1, why: 'one' },
    },
    { name: 'start to first poll', unit: 's', of: ({ start }) => start / 1000 },
  ];
  return [rotation, idle];
}

/** Formats the medians with their spread, compared with the aims. */
export function report(runs: readonly Run[], { cores, node }: { cores: number; node: string }): string[] {
  const lines = [`${runs.length} runs, ${cores} cores, Node ${node}: medians`, ''];
  const head = ['', 'median', '', 'least', 'most', 'aim', 'ratio'];
  lines.push(paint('dim', columns(head)));
  for (const group of rowsOf(runs)) {
    for (const row of group) lines.push(draw(row, runs));
    lines.push('');
  }
  return lines;
}

function draw({ name, unit, of, digits = 2, aim }: Row, runs: readonly Run[]): string {
  const values = runs.flatMap(of);
  const middle = median(values);
  const text = (value: number): string => value.toFixed(digits);
  const measured = [name, text(middle), unit, text(Math.min(...values)), text(Math.max(...values))];
  if (!aim) return columns(measured);
  const met = middle <= aim.most;
  const ratio = `${(middle / aim.most).toFixed(2)} ${met ? '✓' : '✗'}`;
  return `${columns([...measured, text(aim.most)])}${paint(met ? 'green' : 'red', ratio.padStart(8))}  ${paint('dim', aim.why)}`.trimEnd();
}

const WIDTHS = [38, 8, 3, 8, 8, 8, 8];

const columns = (cells: readonly string[]): string =>
  cells
    .map((cell, index) =>
      index === 0 || index === 2 ? ` ${cell}`.padEnd(WIDTHS[index] ?? 0) : cell.padStart(WIDTHS[index] ?? 0),
    )
    .join('');

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] =
    sorted.length % 2 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1, middle + 1);
  return (low + high) / 2;
};

const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
  styleText(style, text, { stream: process.stdout });
