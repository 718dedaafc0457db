import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  assertAllStable,
  connectionsEnded,
  restart,
  seeList,
  whySkipped,
} from '../../../agent/execution/units.ts';
import { stageFile, unitPlan } from '../../fakes/generation.ts';
import { createHands } from '../../fakes/hands.ts';
import { agentErrorOf, faultIn } from '../../src/support/outcome-of.ts';
import { STOPPED } from '../../src/support/unit-states.ts';

const LINES = ['starting', 'cannot read the certificate'];
const acceptAll = async (): Promise<void> => await Promise.resolve();
const journalOf = async (): Promise<string[]> => await Promise.resolve(LINES);

describe('restart', () => {
  test("returns the unit's state after the restart", async () => {
    const { hands, units } = await createHands({ units: ['kubelet'] });
    const snapshots = await restart(unitPlan('kubelet'), hands);
    expect(snapshots).toMatchObject([{ plan: { name: 'kubelet' } }]);
    expect(whySkipped(snapshots)).toBeUndefined();
    expect(units.restarts).toEqual(['kubelet']);
  });

  test('skips an optional unit that the node lacks', async () => {
    const { hands } = await createHands();
    const snapshots = await restart(unitPlan('flanneld', { required: false }), hands);
    expect(snapshots).toEqual([]);
    expect(whySkipped(snapshots)).toBeDefined();
  });

  test("keeps code and reason of a failure, and adds the last lines of the unit's journal", async () => {
    const { hands, units } = await createHands({ units: ['kubelet'], over: { journalOf } });
    units.broken.add('kubelet');
    const error = await agentErrorOf(restart(unitPlan('kubelet'), hands));
    expect(error).toMatchObject({ code: 'unit', reason: 'start-failed' });
    expect(error.excerpt.slice(1)).toEqual(LINES);
  });

  test('adds nothing on a node without a journal', async () => {
    const { hands, units } = await createHands({ units: ['kubelet'] });
    units.broken.add('kubelet');
    const error = await agentErrorOf(restart(unitPlan('kubelet'), hands));
    expect(error).toMatchObject({ code: 'unit', reason: 'start-failed', excerpt: [] });
  });

  test('blames no files for a failure during shutdown', async () => {
    const { hands, units } = await createHands({ units: ['kubelet'] });
    units.broken.add('kubelet');
    units.goesDown = true;
    expect(await faultIn(restart(unitPlan('kubelet'), hands))).toMatchObject({ code: 'aborted' });
  });

  test("masks the keys of both generations before it shows a unit's journal", async () => {
    const [old, fresh] = ['', ''].map(() =>
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    );
    const test = await createHands({ units: ['kubelet'], over: { journalOf } });
    const { hands, units } = test;
    const journal = await stageFile(
      test,
      {},
      { path: '/etc/k/server.key', old: `${old}`, content: `${fresh}` },
    );
    await hands.generations.commit(journal);
    units.broken.add('kubelet');
    const bodies = [old, fresh].map((pem) => `${pem}`.split('\n')[1] ?? '');
    expect(hands.secrets.redact(bodies.join(' '))).toBe(bodies.join(' '));
    await agentErrorOf(restart(unitPlan('kubelet'), hands));
    for (const body of bodies) expect(hands.secrets.redact(body)).not.toContain(body);
  });
});

describe('assertAllStable', () => {
  test('waits once, for the slowest unit', async () => {
    const { hands, clock, progress } = await createHands({ units: ['kubelet', 'kube-proxy'] });
    const snapshots = [
      ...(await restart(unitPlan('kubelet', { settleMs: 3000 }), hands)),
      ...(await restart(unitPlan('kube-proxy', { settleMs: 5000 }), hands)),
    ];
    const before = clock.sleeps.length;
    await assertAllStable(snapshots, hands);
    expect(clock.sleeps.slice(before)).toEqual([5000]);
    expect(progress).toMatchObject([
      { event: 'step', step: { code: 'see-stability' } },
      { event: 'done', step: { code: 'see-stability' } },
    ]);
  });

  test('does not wait if no unit has to settle', async () => {
    const { hands, clock, progress } = await createHands({ units: ['kubelet'] });
    await assertAllStable(await restart(unitPlan('kubelet'), hands), hands);
    expect(clock.sleeps).toEqual([]);
    expect(progress).toEqual([]);
  });

  test('rejects a unit that has ended meanwhile, with its journal', async () => {
    const { hands, units } = await createHands({ units: ['kubelet'], over: { journalOf } });
    const snapshots = await restart(unitPlan('kubelet'), hands);
    units.states.set('kubelet', STOPPED);
    const error = await agentErrorOf(assertAllStable(snapshots, hands));
    expect(error).toMatchObject({ code: 'unit', reason: 'unit-ended' });
    expect(error.excerpt.slice(1)).toEqual(LINES);
  });
});

describe('seeList', () => {
  const list = { unitPlan: unitPlan('etcd'), file: '/etc/etcd/crl.pem', rereads: true };
  const client = { certificate: '/etc/etcd/revoked.crt', key: '/etc/etcd/revoked.key' };

  test('rejects a unit that accepts a revoked certificate, with its journal', async () => {
    const { hands, write } = await createHands({ over: { askHealth: acceptAll, journalOf } });
    for (const path of Object.values(client)) await write(path, 'pem');
    const error = await agentErrorOf(
      seeList({ ...list, url: 'https://127.0.0.1:2379/health', refused: client }, hands),
    );
    expect(error).toMatchObject({ code: 'proof', reason: 'revoked-accepted' });
    expect(error.excerpt.slice(1)).toEqual(LINES);
  });
});

test('connections that restarts ended are reported where they were counted', () => {
  const snapshot = {
    plan: unitPlan('etcd'),
    invocation: '1',
    restarts: 0,
    before: 0,
    at: 0,
    renewal: undefined,
  };
  expect(connectionsEnded([{ ...snapshot, ended: undefined }])).toEqual([]);
  expect(connectionsEnded([{ ...snapshot, ended: 0 }])).toMatchObject([
    { code: 'connections-ended', of: 'etcd' },
  ]);
});
