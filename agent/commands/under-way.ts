import type { Progress } from '../progress.ts';

/** Describes the work in progress in one line, for a person who is waiting. */
export type UnderWay = {
  /** Records an event. */
  hear(event: Progress): void;
  /** Returns undefined when no work is in progress. */
  line(): string | undefined;
};

const PARTS = { ca: 'CAs', key: 'keys', certificate: 'certificates' } as const;

const inSeconds = (ms: number): string => `${Math.max(0, Math.ceil(ms / 1000))} s`;

/** @param elapsed of a monotonic clock, in milliseconds */
export function createUnderWay(elapsed: () => number): UnderWay {
  let step: { text: string; since: number } | undefined;
  let parts = new Map<keyof typeof PARTS, { done: number; of: number }>();
  let wait: { what: string; why: string; until: number; end: number } | undefined;
  /** Completed parts are left out: the line may have to fit 80 columns. */
  const partsInWords = (): string =>
    [...parts]
      .filter(([, { done, of }]) => done < of)
      .map(([part, { done, of }]) => `, ${PARTS[part]} ${done} of ${of}`)
      .join('');
  return {
    hear: (event) => {
      if (event.event === 'waiting') {
        const { what, why, retryInMs, givesUpInMs } = event;
        wait = { what, why, until: elapsed() + retryInMs, end: elapsed() + givesUpInMs };
        return;
      }
      if (event.event === 'part') {
        wait = undefined;
        const { part, of } = event;
        parts.set(part, { done: (parts.get(part)?.done ?? 0) + 1, of });
        return;
      }
      if (event.event === 'notice' || event.event === 'output') return;
      wait = undefined;
      parts = new Map();
      step = event.event === 'step' ? { text: event.step.text, since: elapsed() } : undefined;
    },
    line: () => {
      const now = elapsed();
      if (wait) {
        const { what, why, until, end } = wait;
        const left = Number.isFinite(end) ? `, timeout in ${inSeconds(end - now)}` : '';
        // The times come first: the middle of a long line is cut.
        return `retry in ${inSeconds(until - now)}${left}: ${what}: ${why}`;
      }
      return step && `${step.text}${partsInWords()}  ${Math.floor((now - step.since) / 1000)} s`;
    },
  };
}
