import { expect, test } from 'vitest';
import * as v from 'valibot';
import type { Hands } from '../../../agent/hands.ts';
import { NamedReport, readNamedReport, readReport } from '../../../agent/inspection/report.ts';
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
  return { node, hands: { ...hands, config } };
}

type Made = Awaited<ReturnType<typeof setUp>>;
const reportOf = async ({ node, hands }: Made) => await readReport(node, hands);

const WAITS = {
  why: 'peers-present-former',
  for: Array.from({ length: 20 }, (_, index) => `n${index}`),
  at: 0,
};
const record: RotationRecord = { version: 1, peers: [], waits: WAITS };

test('names up to eight nodes that an automatic rotation waits for', async () => {
  const made = await setUp();
  await writeRotation(record, made.hands);
  expect((await reportOf(made))?.waits).toEqual({ why: WAITS.why, for: WAITS.for.slice(0, 8) });
});

test('says since when the old CA opens nothing on the node', async () => {
  const made = await setUp();
  expect((await reportOf(made))?.oldCaEndedAt).toBeUndefined();
  const endedAt = Date.parse('2026-11-29T10:00:00.000Z');
  await writeRotation({ ...record, oldCa: { cas: 'x', endedAt } }, made.hands);
  expect((await reportOf(made))?.oldCaEndedAt).toBe('2026-11-29T10:00:00.000Z');
});

test('ignores an old record of waiting if phases are requested', async () => {
  const made = await setUp({}, 'trust');
  await writeRotation(record, made.hands);
  expect((await reportOf(made))?.waits).toBeUndefined();
});

test('contains no secret, names its node, and is accepted by its readers', async () => {
  const { node, hands } = await setUp();
  const text = JSON.stringify(await readNamedReport(node, hands));
  expect(text).not.toContain(PASSWORD);
  expect(v.parse(NamedReport, JSON.parse(text))).toMatchObject({
    node: 'k1-node-0',
    role: 'worker',
    phase: 'none',
    cas: [expect.stringMatching(/^[0-9a-f]{64}$/)],
    at: new Date(hands.clock.now()).toISOString(),
  });
});

test('is undefined for a node without TLS', async () => {
  expect(await reportOf(await setUp({ TLS_DISABLED: 'True' }))).toBeUndefined();
});
