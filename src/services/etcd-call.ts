import { connect, constants } from 'node:http2';
import { AgentError } from '../base/errors.ts';
import { withDeadline } from '../base/clock.ts';

/** Where an etcd serves clients, and with what it is asked; `ca`, certificate and key are PEM. */
export type EtcdClient = { url: string; ca: string; certificate: string; key: string };

/** One call of etcd's v3 API: the name of the method, such as `Maintenance/Status`, and its messages in protobuf. */
export type CallEtcd = (
  client: EtcdClient,
  method: string,
  message: Buffer,
  abort: AbortSignal,
) => Promise<Buffer>;

const TRY_MS = 10_000;
/** The most that an answer of these calls has. */
const LONGEST = 1 << 20;

/**
 * Calls etcd by gRPC, on HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). The gateway that speaks JSON
 * (`/v3/maintenance/transfer-leadership`) is off where etcd is started with a configuration file, as Magnum does.
 *
 * @throws `bad-answer` with the status of gRPC as the reason (`grpc-9`); `not-yet` when etcd does not answer; `aborted`
 */
export const callEtcd: CallEtcd = async ({ url, ca, certificate: cert, key }, method, message, abort) => {
  const what = `asking etcd for ${method}`;
  const limit = withDeadline(abort, TRY_MS);
  const session = connect(url, { ca, cert, key });
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const fail = (error: unknown): void => {
        reject(
          abort.aborted
            ? new AgentError('aborted', `${what}: stopped`)
            : new AgentError('not-yet', `${what}: no answer`, { cause: error }),
        );
      };
      limit.addEventListener('abort', fail, { once: true });
      if (limit.aborted) fail(limit.reason);
      session.once('error', fail);
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: `/etcdserverpb.${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const parts: Buffer[] = [];
      let size = 0;
      let status: string | undefined;
      // An answer that is only an error has its status in the headers.
      stream.on('response', (headers) => (status ??= headers['grpc-status']?.toString()));
      stream.on('trailers', (headers) => (status ??= headers['grpc-status']?.toString()));
      stream.on('data', (part: Buffer) => {
        size += part.length;
        if (size <= LONGEST) parts.push(part);
      });
      stream.once('error', fail);
      stream.once('end', () => {
        if (status === '0' && size <= LONGEST) resolve(Buffer.concat(parts).subarray(FRAME));
        // The connection has ended before the answer.
        else if (status === undefined) fail(undefined);
        else
          reject(
            new AgentError('bad-answer', `${what}: etcd answers with status ${status}`, {
              reason: `grpc-${status}`,
            }),
          );
      });
      stream.end(framed(message));
    });
  } finally {
    session.destroy();
  }
};

/** Before a message: whether it is compressed, and its length. */
const FRAME = 5;

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(FRAME);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
