import { errnoOf } from '../src/base/errors.ts';

/** The arguments, environment and streams of a process; nothing else reads argv or the environment. */
export type ProcessIo = {
  /** Without the interpreter and the program. */
  argv: readonly string[];
  /** The interpreter and the program, by which it starts itself once more; undefined: as the sources have it. */
  self?: readonly string[];
  env: NodeJS.ProcessEnv;
  pid: number;
  /** Standard input, to its end; undefined: there is none. */
  stdin?: () => Promise<string>;
  stdout: Output;
  stderr: Output;
};

export type Output = {
  write(text: string): unknown;
  isTTY?: boolean;
  /** Of a terminal. */
  columns?: number;
  /** Whether text may be coloured; undefined: it may not. */
  hasColours?: boolean;
  /** Whether a line that has been written can be replaced; undefined: it cannot. */
  isLive?: boolean;
  /** Whether it shows letters and marks beyond ASCII; undefined: it does. */
  hasUtf8?: boolean;
};

/**
 * An output that knows its abilities. UTF-8: anywhere but on a terminal whose locale (locale(7)) has another code.
 * Colours: on a terminal, unless NO_COLOR (https://no-color.org), CLICOLOR=0 or TERM=dumb says otherwise; anywhere, if
 * CLICOLOR_FORCE says so (https://bixense.com/clicolors/).
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

/** The reader has gone: `| head`, or a terminal that was closed. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'ECONNRESET']);

/**
 * Lets a verb finish when the reader of its output has gone: it may be in the middle of a commit.
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
