import type { Output } from '../process-io.ts';

/**
 * The line that shows the work in progress and is redrawn meanwhile. Does nothing on an output that cannot be redrawn.
 */
export type LiveLine = {
  /** Draws this line from now on; calls `text` at each redraw. */
  show(text: () => string): void;
  /** Removes the line; the next output starts in its place. */
  clear(): void;
};

/** Calls `work` every `ms` without keeping the program alive. The returned function stops it. */
export type Every = (ms: number, work: () => void) => () => void;

const TURN_MS = 100;
const FRAMES = { utf8: Array.from('⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'), ascii: Array.from('|/-\\') };

/** ECMA-48: carriage return, then "erase in line". */
export const ERASE = '\r\u001B[K';

export function createLiveLine({ write, columns, isLive, hasUtf8 }: Output, every: Every): LiveLine {
  if (isLive !== true) return { show: () => undefined, clear: () => undefined };
  const frames = hasUtf8 === false ? FRAMES.ascii : FRAMES.utf8;
  // A terminal of unknown size reports 0.
  const room = (columns || 80) - 1;
  let stop: (() => void) | undefined;
  let text: (() => string) | undefined;
  let turn = 0;
  const draw = (): void => {
    // Leave the last column empty: writing there wraps to the next line on some terminals.
    const line = Array.from(`  ${frames[turn % frames.length] ?? ''} ${text?.() ?? ''}`)
      .slice(0, room)
      .join('');
    write(`${ERASE}${line}`);
    turn += 1;
  };
  return {
    show: (next) => {
      text = next;
      stop ??= every(TURN_MS, draw);
      draw();
    },
    clear: () => {
      if (!stop) return;
      stop();
      stop = undefined;
      write(ERASE);
    },
  };
}
