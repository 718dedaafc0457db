import { open } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';
import type { RedactingStream } from '../base/secrets/stream.ts';

/** Reads the lines added to a file since the last call. */
export type Tail = {
  read(): Promise<void>;
  /** Reads the rest, even without a final newline. */
  end(): Promise<void>;
};

const AT_ONCE = 64 * 1024;

/**
 * Opens a tail.
 *
 * @param from `start`, or `end` to read only what is added later
 * @param redacting redacts the added text before it is split into lines
 */
export async function openTail(
  path: string,
  from: 'start' | 'end',
  redacting: RedactingStream,
  line: (text: string) => void,
): Promise<Tail> {
  let position = 0;
  let rest = '';
  const decoder = new TextDecoder();
  const hear = (text: string): void => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const one of lines) line(one);
    if (rest.length < AT_ONCE) return;
    line(rest);
    rest = '';
  };
  const tail: Tail = {
    read: async () => {
      for await (const text of added()) hear(redacting.push(text));
    },
    end: async () => {
      await tail.read();
      hear(redacting.end());
      if (rest !== '') line(rest);
    },
  };
  async function* added(): AsyncGenerator<string> {
    const file = await openIfThere(path);
    if (!file) return;
    try {
      // A file that has shrunk was truncated and starts again.
      if ((await file.stat()).size < position) position = 0;
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(AT_ONCE), 0, AT_ONCE, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        yield decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
      }
    } finally {
      await file.close();
    }
  }
  if (from === 'end') position = await sizeOf(path);
  return tail;
}

const openIfThere = async (path: string): Promise<Awaited<ReturnType<typeof open>> | undefined> =>
  await open(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });

async function sizeOf(path: string): Promise<number> {
  const file = await openIfThere(path);
  if (!file) return 0;
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
