import { createServer, get, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { LARGEST_ANSWER, LARGEST_ERROR, readBody } from '../../../src/openstack/answer-body.ts';
import { faultIn } from '../support/outcome-of.ts';

/** Reads the body of a real answer. */
async function read(status: number, body: Buffer | string, encoding?: string): Promise<Buffer> {
  const server = createServer((_, response) => {
    response.writeHead(status, encoding === undefined ? {} : { 'content-encoding': encoding }).end(body);
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false }, resolve).once('error', reject);
  });
  return await readBody(answer, 'asking');
}
const zeros = (size: number): Buffer => Buffer.alloc(size);

test.each([undefined, 'identity'])('reads a plain body (content-encoding %s)', async (encoding) => {
  expect((await read(200, 'text', encoding)).toString()).toBe('text');
});

// RFC 9110, 8.4.1.3: x-gzip is the same coding; names are case-insensitive.
test.each(['gzip', 'x-gzip', 'GZIP'])('unpacks a body (content-encoding %s)', async (encoding) => {
  expect((await read(200, gzipSync('text'), encoding)).toString()).toBe('text');
});

test('accepts an answer at its limit, and rejects a larger one', async () => {
  expect(await read(200, zeros(LARGEST_ANSWER))).toHaveLength(LARGEST_ANSWER);
  const fault = { code: 'too-large', reason: 'answer-too-large' };
  expect(await faultIn(read(200, zeros(LARGEST_ANSWER + 1)))).toEqual(fault);
});

test('limits the size after unpacking', async () => {
  const packed = gzipSync(zeros(LARGEST_ANSWER + 1));
  expect(packed.length).toBeLessThan(LARGEST_ANSWER / 100);
  expect(await faultIn(read(200, packed, 'gzip'))).toMatchObject({ code: 'too-large' });
});

test('cuts the body of an error', async () => {
  expect(await read(503, zeros(LARGEST_ANSWER + 1))).toHaveLength(LARGEST_ERROR);
});

test.each([
  ['is not gzip', Buffer.from('plain')],
  ['ends too early', gzipSync('a'.repeat(1000)).subarray(0, -9)],
])('rejects an answer that %s', async (_, body) => {
  const fault = { code: 'bad-answer', reason: 'not-gzip' };
  expect(await faultIn(read(200, body, 'gzip'))).toEqual(fault);
});

test('keeps the status of an error with a broken body', async () => {
  expect((await read(503, 'plain', 'gzip')).toString()).toBe('');
});

test('an empty body is no broken one', async () => {
  expect((await read(200, '', 'gzip')).toString()).toBe('');
});
