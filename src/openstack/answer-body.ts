import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { AgentError } from '../base/errors.ts';

/** Maximum size of an answer, in bytes; metadata is the largest answer of a cloud. */
export const LARGEST_ANSWER = 8 * 1024 * 1024;

/** Maximum size of an error body, in bytes: people read only a few lines of it. */
export const LARGEST_ERROR = 16 * 1024;

/**
 * Reads the body of an answer. An error body is truncated at its limit. The limits apply to the decompressed size.
 *
 * @throws `too-large` for an answer over its limit, `bad-answer` if its gzip encoding is invalid
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
        throw new AgentError('too-large', `the answer is larger than ${LARGEST_ANSWER / 1024 / 1024} MiB`, {
          task: what,
          reason: 'answer-too-large',
        });
    }
  } catch (cause) {
    const fault = gzipFault(cause);
    if (fault === undefined) throw cause;
    // For an error, the status matters even if its body is broken. An empty body is not an error either.
    if (!isError && !(fault === 'Z_BUF_ERROR' && size === 0))
      throw new AgentError('bad-answer', 'the gzip encoding of the answer is invalid', {
        task: what,
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
  // The reader receives the stream's errors.
  return pipeline(answer, createGunzip(), () => undefined);
}

const gzipFault = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')
    ? error.code
    : undefined;
