import type { Output } from '../process-io.ts';

/** The line of what is under way, redrawn while it lasts; nothing on an output that cannot be redrawn. */
export type LiveLine = {
  /** Draws this line from now on: `text` is asked for at each turn. */
  show(text: () => string): void;
  /** Takes the line away; what is written next begins at its place. */
  clear(): void;
};

/** Calls something every so many milliseconds, without keeping the program alive; returns what ends that. */
export type Every = (ms: number, work: () => void) => () => void;

const TURN_MS = 100;
const FRAMES = { utf8: Array.from('⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'), ascii: Array.from('|/-\\') };

/** ECMA-48: carriage return, then "erase in line". */
export const ERASE = '\r\u001B[K';

export function createLiveLine({ write, columns, isLive, hasUtf8 }: Output, every: Every): LiveLine {
  if (isLive !== true) return { show: () => undefined, clear: () => undefined };
  const frames = hasUtf8 === false ? FRAMES.ascii : FRAMES.utf8;
  // A terminal that does not know its size says 0.
  const room = (columns || 80) - 1;
  let stop: (() => void) | undefined;
  let text: (() => string) | undefined;
  let turn = 0;
  const draw = (): void => {
    // Not in the last column: the terminal would go to the next line.
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
