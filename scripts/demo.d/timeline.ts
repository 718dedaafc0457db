import type { LogLine } from '../lib/agent-process.ts';
import type { Screen } from './screen.ts';

/** Prints events on each node from the daemons' logs as they happen. */
export type Timeline = {
  /** Starts printing, with seconds from now. */
  start(): void;
  stop(): void;
  /** Adds a line of a node's daemon log. */
  hear(node: string, line: LogLine): void;
  /** Adds an event in the cloud. */
  tell(who: string, text: string): void;
};

const ELAPSED = 7;
const WHO = 10;

export function createTimeline({ line, now, paint }: Screen): Timeline {
  const doing = new Map<string, string>();
  /** The number of keys and certificates that a node has so far. */
  const got = new Map<string, { key: number; certificate: number }>();
  let began: number | undefined;

  const tell = (who: string, text: string): void => {
    if (began === undefined) return;
    const elapsed = `${((performance.now() - began) / 1000).toFixed(1)} s`.padStart(ELAPSED);
    line(`  ${paint('dim', elapsed)}  ${who.padEnd(WHO)}${text}`);
  };
  const show = (who: string, what: string): void => {
    doing.set(who, what);
    const busy = [...doing].filter(([, text]) => text !== '').map(([name, text]) => `${name}: ${text}`);
    if (began !== undefined) now(busy.join('    '));
  };
  const count = (node: string, part: unknown): string => {
    const counts = got.get(node) ?? { key: 0, certificate: 0 };
    if (part === 'key' || part === 'certificate') counts[part] += 1;
    got.set(node, counts);
    return `${counts.key} keys made, ${counts.certificate} certificates signed`;
  };
  return {
    start: () => {
      began = performance.now();
    },
    stop: () => {
      began = undefined;
      doing.clear();
      now('');
    },
    tell,
    hear: (node, { event, msg, level, fields }) => {
      if (event === 'step-started') show(node, shorten(textOf(fields['what'])));
      else if (event === 'part-done') show(node, count(node, fields['part']));
      else if (event === 'deployment-started')
        tell(node, `starts the deployment: ${shorten(textOf(fields['what']))}`);
      else if (event === 'step-done') {
        show(node, '');
        tell(node, `${paint('green', '✓')} ${shorten(textOf(fields['what']))}`);
      } else if (event === 'step-failed')
        tell(node, `${paint('red', '✗')} ${textOf(fields['what'])}: ${textOf(fields['why'])}`);
      else if (level !== 'info' && level !== 'debug')
        tell(node, `${paint('yellow', '!')} ${msg} ${JSON.stringify(fields)}`);
    },
  };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Shortens identifiers to what a person compares; drops a resource's stack, which is the same everywhere. */
const shorten = (text: string): string =>
  text.replaceAll(/\b([0-9a-f]{8})[0-9a-f]{24}\b/g, '$1…').replaceAll(/\S+\/[0-9a-f-]{36}\//g, '');
