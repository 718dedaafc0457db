import { errnoOf } from '../src/base/errors.ts';

/** The arguments, environment and streams of a process; nothing else reads argv or the environment. */
export type ProcessIo = {
  /** The arguments without the interpreter and the program. */
  argv: readonly string[];
  /** The interpreter and the program, for starting itself again; undefined: as when run from the sources. */
  self?: readonly string[];
  env: NodeJS.ProcessEnv;
  pid: number;
  /** Reads standard input to its end; undefined: there is none. */
  stdin?: () => Promise<string>;
  stdout: Output;
  stderr: Output;
};

export type Output = {
  write(text: string): unknown;
  isTTY?: boolean;
  /** The width of a terminal. */
  columns?: number;
  /** Whether text may be coloured; undefined: no. */
  hasColours?: boolean;
  /** Whether a written line can be redrawn; undefined: no. */
  isLive?: boolean;
  /** Whether it shows characters beyond ASCII; undefined: yes. */
  hasUtf8?: boolean;
};

/**
 * Determines the abilities of an output. UTF-8: always, except on a terminal whose locale (locale(7)) has another
 * encoding. Colours: on a terminal, unless NO_COLOR (https://no-color.org), CLICOLOR=0 or TERM=dumb disables them;
 * everywhere if CLICOLOR_FORCE enables them (https://bixense.com/clicolors/).
 */
export function withAbilities(output: Output, env: NodeJS.ProcessEnv): Output {
  const isForced = (env['CLICOLOR_FORCE'] || '0') !== '0';
  const isWanted = output.isTTY === true && env['CLICOLOR'] !== '0' && env['TERM'] !== 'dumb';
  const { isTTY, columns } = output;
  return {
    write: (text) => output.write(text),
    ...(isTTY === undefined ? {} : { isTTY }),
    ...(columns === undefined ? {} : { columns }),
    hasColours: !env['NO_COLOR'] && (isForced || isWanted),
    isLive: isTTY === true && env['TERM'] !== 'dumb',
    hasUtf8: isTTY !== true || /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''),
  };
}

/** The reader has closed the stream: `| head`, or a closed terminal. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'ECONNRESET']);

/**
 * Lets a verb continue when the reader of its output has closed it: the verb may be in the middle of a commit.
 *
 * @returns another error of the stream, such as a full disk
 */
export function surviveReader(stream: NodeJS.WritableStream): () => Error | undefined {
  let fault: Error | undefined;
  stream.on('error', (error: Error) => {
    if (!READER_GONE.has(errnoOf(error))) fault ??= error;
  });
  return () => fault;
}
