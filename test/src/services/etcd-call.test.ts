import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { describe, expect, onTestFinished, test } from 'vitest';
import { callEtcd } from '../../../src/services/etcd-call.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { NEVER } from '../support/clock.ts';
import { faultIn } from '../support/outcome-of.ts';

/** gRPC over HTTP/2: a frame is a byte for the compression, the length in four bytes, and the message. */
const HEAD = { ':status': 200, 'content-type': 'application/grpc' };
const frameOf = (message: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), Buffer.from(message)]);

const ca = createClusterCa('k1');
const leaf = ca.issue([['CN', 'etcd']], ['127.0.0.1']);

type Asked = { headers: IncomingHttpHeaders; body: Buffer };

/** Starts an etcd that answers like this, and calls it. */
async function call(
  answer: (stream: ServerHttp2Stream) => void,
  { abort = NEVER, trusted = ca.pem } = {},
): Promise<{ answered: Promise<Buffer>; asked: Asked[] }> {
  const asked: Asked[] = [];
  const options = { cert: leaf.cert, key: leaf.key, ca: ca.pem, requestCert: true, rejectUnauthorized: true };
  const server = createSecureServer(options);
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', () => undefined);
    stream.on('end', () => {
      asked.push({ headers, body: Buffer.concat(parts) });
      answer(stream);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const client = { url: `https://127.0.0.1:${port}`, ca: trusted, certificate: leaf.cert, key: leaf.key };
  return { answered: callEtcd(client, 'Maintenance/Status', Buffer.from('ask'), abort), asked };
}

/** Answers with these frames, and the status in the trailers. */
const answering =
  (status: string, ...frames: (string | Buffer)[]) =>
  (stream: ServerHttp2Stream): void => {
    stream.respond(HEAD, { waitForTrailers: true });
    stream.on('wantTrailers', () => {
      stream.sendTrailers({ 'grpc-status': status });
    });
    for (const frame of frames) stream.write(frame);
    stream.end();
  };

test('sends one framed message to the method, with a client certificate, and returns the answer', async () => {
  const { answered, asked } = await call(
    answering('0', frameOf('an').subarray(0, 3), frameOf('an').subarray(3)),
  );
  expect((await answered).toString()).toBe('an');
  expect(asked).toMatchObject([
    {
      headers: {
        ':method': 'POST',
        ':path': '/etcdserverpb.Maintenance/Status',
        'content-type': 'application/grpc',
        te: 'trailers',
      },
      body: frameOf('ask'),
    },
  ]);
});

describe('a refusal', () => {
  test('has its status in the trailers', async () => {
    const { answered } = await call(answering('9'));
    expect(await faultIn(answered)).toEqual({ code: 'bad-answer', reason: 'grpc-9' });
  });

  test('without an answer has its status in the headers', async () => {
    const { answered } = await call((stream) => {
      stream.respond({ ...HEAD, 'grpc-status': '12' }, { endStream: true });
    });
    expect(await faultIn(answered)).toEqual({ code: 'bad-answer', reason: 'grpc-12' });
  });
});

test('rejects an answer that is too large', async () => {
  const large = await call(answering('0', Buffer.alloc(2 ** 20 + 1)));
  expect(await faultIn(large.answered)).toMatchObject({ code: 'bad-answer' });
});

describe('an etcd that does not answer', () => {
  test.each<[string, (stream: ServerHttp2Stream) => void]>([
    [
      'ends the connection',
      (stream) => {
        stream.session?.destroy();
      },
    ],
    [
      'ends its answer without a status',
      (stream) => {
        stream.respond(HEAD);
        stream.end(frameOf('an'));
      },
    ],
  ])('because it %s may answer later', async (_, answer) => {
    const { answered } = await call(answer);
    expect(await faultIn(answered)).toEqual({ code: 'not-yet', reason: undefined });
  });

  test('because it is not there may answer later', async () => {
    const nowhere = { url: 'https://127.0.0.1:1', ca: ca.pem, certificate: leaf.cert, key: leaf.key };
    expect(await faultIn(callEtcd(nowhere, 'Maintenance/Status', Buffer.alloc(0), NEVER))).toMatchObject({
      code: 'not-yet',
    });
  });

  test('because another CA has signed its certificate is not asked', async () => {
    const { answered, asked } = await call(answering('0'), { trusted: createClusterCa('k1').pem });
    expect(await faultIn(answered)).toMatchObject({ code: 'not-yet' });
    expect(asked).toEqual([]);
  });

  test('is waited for no longer when the program stops', async () => {
    const stop = new AbortController();
    const { answered } = await call(
      () => {
        stop.abort();
      },
      { abort: stop.signal },
    );
    expect(await faultIn(answered)).toMatchObject({ code: 'aborted' });
    const early = await call(answering('0'), { abort: AbortSignal.abort() });
    expect(await faultIn(early.answered)).toMatchObject({ code: 'aborted' });
  });
});
