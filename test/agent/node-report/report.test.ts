import { expect, test } from 'vitest';
import * as v from 'valibot';
import type { Hands } from '../../../agent/hands.ts';
import { readReport, Report } from '../../../agent/node-report/report.ts';
import { type RotationRecord, writeRotation } from '../../../agent/phases/record.ts';
import { testHands } from '../support/hands.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const cas = newGeneration();
const PASSWORD = 'trustee-password-1';

async function setUp(
  params: Record<string, string> = {},
  phase: Hands['config']['rotation']['phase'] = 'auto',
) {
  const node = nodeOf('worker', { TRUSTEE_PASSWORD: PASSWORD, ...params });
  const { hands, write } = await testHands();
  const text = [...node.params].map(([key, value]) => `${key}="${value}"\n`).join('');
  await write(hands.config.heat_params, text);
  await writeCertificates(node, { write }, cas);
  const config = {
    ...hands.config,
    rotation: { ...hands.config.rotation, phase },
  };
  return { ...hands, config };
}

const WAITS = {
  why: 'peers-present-former',
  for: Array.from({ length: 20 }, (_, index) => `n${index}`),
  at: 0,
};
const record: RotationRecord = { version: 1, peers: [], waits: WAITS };

test('names up to eight nodes that an automatic rotation waits for', async () => {
  const hands = await setUp();
  await writeRotation(record, hands);
  expect((await readReport(hands))?.waits).toEqual({ why: WAITS.why, for: WAITS.for.slice(0, 8) });
});

test('says since when the old CA opens nothing on the node', async () => {
  const hands = await setUp();
  expect((await readReport(hands))?.oldCaEndedAt).toBeUndefined();
  const endedAt = Date.parse('2026-11-29T10:00:00.000Z');
  await writeRotation({ ...record, oldCa: { cas: 'x', endedAt } }, hands);
  expect((await readReport(hands))?.oldCaEndedAt).toBe('2026-11-29T10:00:00.000Z');
});

test('ignores an old record of waiting if phases are requested', async () => {
  const hands = await setUp({}, 'trust');
  await writeRotation(record, hands);
  expect((await readReport(hands))?.waits).toBeUndefined();
});

test('contains no secret, and is accepted by its readers', async () => {
  const report = await readReport(await setUp());
  const text = JSON.stringify({ ...report, at: '2026-11-29T10:00:00.000Z' });
  expect(text).not.toContain(PASSWORD);
  expect(v.is(Report, JSON.parse(text))).toBe(true);
});

test.each([{ TLS_DISABLED: 'True' }])('is undefined for a node with %o', async (params) => {
  expect(await readReport(await setUp(params))).toBeUndefined();
});

test('is undefined for a node that is not set up', async () => {
  expect(await readReport((await testHands()).hands)).toBeUndefined();
});
