import { expect, test } from 'vitest';
import { RUNTIME } from '../../agent/paths.ts';
import { createWaitingRecord, readWaiting } from '../../agent/waiting.ts';
import type { Waiting } from '../../src/base/retry.ts';
import { createHands } from '../fakes/hands.ts';

const PATH = `${RUNTIME}/waiting.json`;
const waiting = (what: string, until: number, over: Partial<Waiting> = {}): Waiting => ({
  what,
  why: 'silence',
  since: 1000,
  until,
  ...over,
});
const [FIRST, SECOND] = [Symbol('first'), Symbol('second')];

async function setUp() {
  const made = await createHands();
  const record = createWaitingRecord(made.hands);
  const read = async (since = 1000) => await readWaiting(made.disk, since);
  return { ...made, record, read };
}

test('keeps a wait as long as it lasts', async () => {
  const { record, read } = await setUp();
  expect(await read()).toBeUndefined();
  await record(FIRST, waiting('sign', 5000, { whatCode: 'sign', of: 'etcd', code: 'not-yet', reason: 'x' }));
  expect(await read()).toEqual(
    waiting('sign', 5000, { whatCode: 'sign', of: 'etcd', code: 'not-yet', reason: 'x' }),
  );
  await record(FIRST, undefined);
  expect(await read()).toBeUndefined();
});

test('shows the wait that ends first', async () => {
  const { record, read } = await setUp();
  await Promise.all([record(FIRST, waiting('late', 9000)), record(SECOND, waiting('soon', 5000))]);
  expect((await read())?.what).toBe('soon');
  await record(SECOND, undefined);
  expect((await read())?.what).toBe('late');
});

test('belongs to the holder of the lock: an earlier one counts no more', async () => {
  const { record, read } = await setUp();
  await record(FIRST, waiting('sign', 5000));
  expect(await read(1001)).toBeUndefined();
});

test('redacts a secret, and is for root alone', async () => {
  const { record, hands, disk, files } = await setUp();
  hands.secrets.add('geheimnis-1');
  await record(FIRST, waiting('sign', 5000, { why: 'not geheimnis-1' }));
  expect(await files(RUNTIME)).toEqual([PATH]);
  expect((await disk.read(PATH)).toString()).not.toContain('geheimnis-1');
  expect(((await disk.info(PATH))?.mode ?? 0) & 0o777).toBe(0o600);
});

const makeDirectory = async () => await Promise.reject(new Error('ENOSPC'));

test('fails nothing if the record cannot be written', async () => {
  const { hands, log } = await createHands();
  const record = createWaitingRecord({ ...hands, disk: { ...hands.disk, makeDirectory } });
  await record(FIRST, waiting('sign', 5000));
  expect(log.map((line): unknown => JSON.parse(line))).toMatchObject([{ event: 'waiting-unwritten' }]);
});

test.each(['{', '{"what": 1}'])('reads the damaged record %s as none', async (text) => {
  const { write, read } = await setUp();
  await write(PATH, text);
  expect(await read()).toBeUndefined();
});
