import { createHash } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { type LogEntry, PRIORITIES, textOf } from '../src/base/log.ts';

export const IDENTIFIER = 'coe-agent';

/** Sends one event to journald. Returns false if journald did not accept it. */
export type SendToJournal = (entry: LogEntry) => boolean;

/**
 * Whether standard error is connected to the journal (systemd.exec(5), JOURNAL_STREAM), and not to a terminal or file.
 */
export function isJournal(env: NodeJS.ProcessEnv, descriptor = 2): boolean {
  const stream = env['JOURNAL_STREAM'];
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(descriptor);
  return stream === `${dev}:${ino}`;
}

/** Returns the id that identifies an event in every journal, independent of its text: `journalctl MESSAGE_ID=...`. */
export const messageId = (code: string): string =>
  createHash('sha256').update(`coe-agent ${code}`).digest('hex').slice(0, 32);

/** Returns the fields of an event in the journal. journald adds others. */
export const journalFields = (entry: LogEntry): [name: string, value: string][] => [
  ['MESSAGE', textOf(entry)],
  ['PRIORITY', String(PRIORITIES[entry.level])],
  ['SYSLOG_IDENTIFIER', IDENTIFIER],
  ['MESSAGE_ID', messageId(entry.event)],
  ['COE_EVENT', entry.event],
  ...Object.entries(entry.fields).map(([name, value]): [string, string] => [
    fieldOf(name),
    typeof value === 'string' ? value : JSON.stringify(value),
  ]),
];

/** Converts a field name: `wait_ms` becomes COE_WAIT_MS. */
export const fieldOf = (name: string): string =>
  `COE_${name.replaceAll(/[^A-Za-z0-9]/g, '_').toUpperCase()}`.slice(0, 64);

/**
 * Encodes fields for journald's native protocol: a value with line feeds follows its length
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL).
 */
function encode(fields: readonly [string, string][]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => {
      if (!value.includes('\n')) return [Buffer.from(`${name}=${value}\n`)];
      const content = Buffer.from(value);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(content.length));
      return [Buffer.from(`${name}\n`), length, content, Buffer.from('\n')];
    }),
  );
}

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
/** MSG_DONTWAIT and MSG_NOSIGNAL: a journald that does not read must not block the agent. */
const DONTWAIT_NOSIGNAL = 0x4040;

/**
 * Opens journald's socket for structured events. Node has no datagram sockets, so the C library is called. Events that
 * journald does not accept (too long, or journald is down) go to standard error.
 */
export async function openJournal(
  socket = '/run/systemd/journal/socket',
): Promise<SendToJournal | undefined> {
  try {
    const { dlopen } = await import('node:ffi');
    const { functions: libc } = dlopen('libc.so.6', {
      socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
      sendto: { arguments: ['i32', 'buffer', 'u64', 'i32', 'buffer', 'u32'], return: 'i64' },
    });
    const descriptor = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    const address = Buffer.alloc(110);
    address.writeUInt16LE(AF_UNIX);
    address.write(socket, 2);
    if (descriptor < 0) return undefined;
    return (entry) => {
      const datagram = encode(journalFields(entry));
      const sent = libc.sendto(
        descriptor,
        datagram,
        BigInt(datagram.length),
        DONTWAIT_NOSIGNAL,
        address,
        address.length,
      );
      return sent >= 0n;
    };
  } catch {
    return undefined;
  }
}
