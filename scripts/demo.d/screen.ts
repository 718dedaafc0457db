import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Prints lines for a person: in colour with a live line below them on a terminal, plain elsewhere. */
export type Screen = {
  line(text?: string): void;
  /** Prints a numbered heading. */
  chapter(text: string): void;
  /** Shows the present action; on a terminal only, until the next call. */
  now(text: string): void;
  paint(style: Style, text: string): string;
  /** Removes the live line. */
  close(): void;
};

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 120;
const CLEAR = '\r\u001B[2K';
const WIDTH = 100;

export function createScreen(output: NodeJS.WriteStream): Screen {
  const alive = output.isTTY && process.env['TERM'] !== 'dumb';
  const paint = (style: Style, text: string): string => styleText(style, text, { stream: output });
  let current = '';
  let frame = 0;
  let chapters = 0;
  let drawn = false;

  const draw = (): void => {
    if (!alive || (current === '' && !drawn)) return;
    drawn = current !== '';
    const text = `${FRAMES[frame % FRAMES.length]} ${current}`.slice(0, Math.min(output.columns, WIDTH) - 4);
    output.write(current === '' ? CLEAR : `${CLEAR}   ${paint('dim', text)}`);
  };
  const timer = setInterval(() => {
    frame += 1;
    if (current !== '') draw();
  }, FRAME_MS).unref();
  const line = (text = ''): void => {
    output.write(`${drawn ? CLEAR : ''}${text}\n`);
    draw();
  };
  return {
    line,
    chapter: (text) => {
      chapters += 1;
      current = '';
      line();
      line(paint('bold', `${chapters}  ${text}`));
    },
    now: (text) => {
      current = text;
      draw();
    },
    paint,
    close: () => {
      clearInterval(timer);
      current = '';
      draw();
    },
  };
}
