import { closeSync } from 'node:fs';
import { dlopen } from 'node:ffi';

/** The socket on which systemd would listen: a datagram socket at `path` (sd_notify(3), unix(7)). */
export type NotifySocket = {
  /** Every message so far, its lines by name. */
  messages(): Record<string, string>[];
  close(): void;
};

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const LONGEST = 65_536;

export function listenForNotify(path: string): NotifySocket {
  const socket = listenForDatagrams(path);
  return {
    messages: () =>
      socket.received().map((datagram) => {
        const lines = datagram.toString('utf8').split('\n');
        return Object.fromEntries(
          lines.map((line) => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=/, '')]),
        );
      }),
    close: socket.close,
  };
}

/** Returns every datagram sent to a path so far. */
export function listenForDatagrams(path: string): { received(): Buffer[]; close(): void } {
  const { functions: libc } = dlopen('libc.so.6', {
    socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
    bind: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
    recv: { arguments: ['i32', 'buffer', 'u64', 'i32'], return: 'i64' },
  });
  const socket = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX);
  if (address.write(path, 2) !== Buffer.byteLength(path)) throw new Error(`${path} is too long for a socket`);
  if (libc.bind(socket, address, address.length) !== 0) throw new Error(`cannot listen at ${path}`);
  const received: Buffer[] = [];
  return {
    received: () => {
      const buffer = Buffer.alloc(LONGEST);
      for (;;) {
        const length = Number(libc.recv(socket, buffer, BigInt(LONGEST), MSG_DONTWAIT));
        if (length < 0) return received;
        received.push(Buffer.from(buffer.subarray(0, length)));
      }
    },
    close: () => {
      closeSync(socket);
    },
  };
}
