import { closeSync, fstatSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { EVENTS } from '../../agent/events.ts';
import { isJournal, messageId, openJournal, type SendToJournal } from '../../agent/journal.ts';
import { createLog } from '../../src/base/log.ts';
import { createSecrets } from '../../src/base/secrets.ts';
import { listenForDatagrams } from '../scenarios/support/notify-socket.ts';

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coe-journal-'));
  onTestFinished(async () => {
    await rm(directory, { recursive: true });
  });
  return directory;
}

async function opened(path: string): Promise<SendToJournal> {
  const send = await openJournal(path);
  if (!send) throw new Error('the C library gives no socket');
  return send;
}

/** Decodes a datagram as journald does (systemd.io/JOURNAL_NATIVE_PROTOCOL). */
function decode(datagram: Buffer): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at < datagram.length;) {
    const end = datagram.indexOf('\n', at);
    const line = datagram.toString('utf8', at, end);
    const equals = line.indexOf('=');
    if (equals >= 0) {
      fields[line.slice(0, equals)] = line.slice(equals + 1);
      at = end + 1;
    } else {
      const length = Number(datagram.readBigUInt64LE(end + 1));
      fields[line] = datagram.toString('utf8', end + 9, end + 9 + length);
      at = end + 9 + length + 1;
    }
  }
  return fields;
}

test('sends an event to journald with its fields, without secrets', async () => {
  const path = join(await temporary(), 'socket');
  const socket = listenForDatagrams(path);
  onTestFinished(socket.close);
  const send = await opened(path);
  const secrets = createSecrets();
  secrets.add('t0p-secret');
  const log = createLog({
    events: EVENTS,
    level: 'info',
    style: 'journal',
    secrets,
    write: (_, entry) => {
      expect(send(entry)).toBe(true);
    },
  });
  log('answer-unacknowledged', { deployment: 'd1', why: 'two\nlines of t0p-secret', wait_ms: 5 });
  const [datagram = Buffer.alloc(0)] = socket.received();
  expect(decode(datagram)).toEqual({
    MESSAGE:
      'the result is not acknowledged; it will be sent again deployment=d1 why="two\\nlines of ***" wait_ms=5',
    PRIORITY: '4',
    SYSLOG_IDENTIFIER: 'coe-agent',
    MESSAGE_ID: messageId('answer-unacknowledged'),
    COE_EVENT: 'answer-unacknowledged',
    COE_DEPLOYMENT: 'd1',
    COE_WHY: 'two\nlines of ***',
    COE_WAIT_MS: '5',
  });
});

test('falls back to standard error without journald, or for an event that is too long', async () => {
  const path = join(await temporary(), 'socket');
  const send = await opened(path);
  const entry = { level: 'info', event: 'output', message: 'output', fields: {} } as const;
  expect(send(entry)).toBe(false);
  const socket = listenForDatagrams(path);
  onTestFinished(socket.close);
  expect(send(entry)).toBe(true);
  expect(send({ ...entry, fields: { text: 'x'.repeat(10_000_000) } })).toBe(false);
});

test('gives every event a constant message id', () => {
  const ids = Object.keys(EVENTS).map(messageId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  // Alerts and scripts depend on it.
  expect(messageId('deployment-failed')).toBe('f446324a31e7ef433335a4907c462aea');
});

test('does not take a stream for the journal that systemd has not connected', async () => {
  const descriptor = openSync(await temporary(), 'r');
  onTestFinished(() => {
    closeSync(descriptor);
  });
  const { dev, ino } = fstatSync(descriptor);
  expect(isJournal({ JOURNAL_STREAM: `${dev}:${ino}` }, descriptor)).toBe(true);
  expect(isJournal({ JOURNAL_STREAM: `${dev}:${ino + 1}` }, descriptor)).toBe(false);
  expect(isJournal({}, descriptor)).toBe(false);
});
