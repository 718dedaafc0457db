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
    const line = `  ${frames[turn % frames.length] ?? ''} ${text?.() ?? ''}`;
    write(`${ERASE}${shortened(line, room, hasUtf8 === false ? '~' : '…')}`);
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

/** The end of the line: the elapsed time, or the cause of a retry. */
const TAIL = 24;

/** Cuts the middle out of a line that is too long. */
function shortened(line: string, room: number, mark: string): string {
  const characters = Array.from(line);
  if (characters.length <= room) return line;
  const tail = Math.min(TAIL, Math.floor(room / 2));
  return [...characters.slice(0, room - tail - 1), mark, ...characters.slice(-tail)].join('');
}
