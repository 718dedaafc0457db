import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { AgentError } from '../base/errors.ts';

/** The largest answer that is read, in bytes; metadata is the largest thing that a cloud sends. */
export const LARGEST_ANSWER = 8 * 1024 * 1024;

/** As much as is read of an error, in bytes: a person reads a few lines of it. */
export const LARGEST_ERROR = 16 * 1024;

/**
 * Reads the body of an answer. An error is cut at its bound; the bounds hold for what is unpacked.
 *
 * @throws `too-large` for an answer over its bound, `bad-answer` for one that says it is gzip, and is not
 */
export async function readBody(answer: IncomingMessage, what: string): Promise<Buffer> {
  const { statusCode: status = 0 } = answer;
  const isError = status < 200 || status >= 300;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of await unpacked(answer)) {
      chunks.push(chunk);
      size += chunk.length;
      if (isError && size >= LARGEST_ERROR) break;
      if (size > LARGEST_ANSWER)
        throw new AgentError(
          'too-large',
          `${what}: the answer is larger than ${LARGEST_ANSWER / 1024 / 1024} MiB`,
          { reason: 'answer-too-large' },
        );
    }
  } catch (cause) {
    const fault = gzipFault(cause);
    if (fault === undefined) throw cause;
    // The status of an error counts, whatever its words are; and there may be no body at all.
    if (!isError && !(fault === 'Z_BUF_ERROR' && size === 0))
      throw new AgentError('bad-answer', `${what}: the answer says that it is gzip, and is not`, {
        cause,
        reason: 'not-gzip',
      });
  }
  const body = Buffer.concat(chunks);
  return isError ? body.subarray(0, LARGEST_ERROR) : body;
}

async function unpacked(answer: IncomingMessage): Promise<AsyncIterable<Buffer>> {
  if (!/^(?:x-)?gzip$/i.test(answer.headers['content-encoding'] ?? '')) return answer;
  const { createGunzip } = await import('node:zlib');
  // Whoever reads is told of its errors.
  return pipeline(answer, createGunzip(), () => undefined);
}

const gzipFault = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')
    ? error.code
    : undefined;
