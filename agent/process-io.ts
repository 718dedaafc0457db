import { errnoOf } from '../src/base/errors.ts';

/** What a process is given by whoever starts it; nothing else reads argv or the environment. */
export type World = {
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
};

/** Who reads has gone: `| head`, or a terminal that was closed. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'ECONNRESET']);

/**
 * Lets a verb go on to its end when nobody reads any more what it says: it may be in the middle of a commit.
 *
 * @returns what else has kept the stream from being written, such as a full disk
 */
export function surviveReader(stream: NodeJS.WritableStream): () => Error | undefined {
  let fault: Error | undefined;
  stream.on('error', (error: Error) => {
    if (!READER_GONE.has(errnoOf(error))) fault ??= error;
  });
  return () => fault;
}
