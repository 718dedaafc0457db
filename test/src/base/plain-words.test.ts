import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { plainWords, reasonOfFault } from '../../../src/base/plain-words.ts';

const errorOf = async (work: Promise<unknown>): Promise<Error> =>
  await work.then(
    () => new Error('it worked'),
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );

test('names a directory in place of a file once', async () => {
  expect(plainWords(await errorOf(readFile('/')))).toBe('a directory is in the way (EISDIR)');
});

test("reports TLS sent to a port without TLS, not OpenSSL's source file", async () => {
  const server = createServer((socket) => {
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const socket = connect({ port: typeof address === 'object' && address ? address.port : 0 });
  const error = await errorOf(once(socket, 'secureConnect'));
  expect(plainWords(error)).not.toMatch(/SSL routines|EPROTO|\.c:/);
  expect(reasonOfFault(error)).toBe('no-tls');
});

test('drops advice that Node gives to programmers', () => {
  const error = Object.assign(
    new Error(
      'unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    ),
    { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  );
  expect(plainWords(error)).not.toMatch(/use-system-ca/);
  expect(reasonOfFault(error)).toBe('ca-unknown');
});

test('keeps the message of an unknown error', () => {
  const error = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  expect(plainWords(error)).toBe('EMFILE: too many open files');
  expect(plainWords(new TypeError())).toBe('TypeError');
  expect(reasonOfFault(error)).toBeUndefined();
});

test.each([
  ['ENOSPC', 'no-space'],
  ['EDQUOT', 'quota'],
  ['EROFS', 'read-only'],
  ['EACCES', 'permission-denied'],
  ['EPERM', 'not-permitted'],
  ['EIO', 'io-error'],
])('maps the disk error %s to the reason %s', (code, reason) => {
  expect(reasonOfFault(Object.assign(new Error('no'), { code }))).toBe(reason);
});
