import { describe, expect, test } from 'vitest';
import { type RotationState, rotationState } from '../../../agent/inspection/rotation-state.ts';
import { ROTATION, type RotationRecord } from '../../../agent/phases/record.ts';
import { FOLLOW_UPS, followUpsText } from '../../../agent/rotation/follow-ups.ts';
import { recordText } from '../../../src/base/record.ts';
import { createHands, type TestHands } from '../../fakes/hands.ts';
import { PARAMS } from '../../src/support/requests.ts';
import { type Generation, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const DAY_MS = 86_400_000;
const former = newGeneration(() => Date.now() - DAY_MS);
const served = newGeneration();
const node = nodeOf('worker');
const LEAF = node.layout.certificates[0]?.files?.certificate.path ?? '';
const UNTIL = Date.parse('2026-11-29T12:00:00Z');

/** Makes a worker with certificates of one generation. */
async function site(signs: Generation, trusted: readonly Generation[]): Promise<TestHands> {
  const params = Object.entries({ ...PARAMS, NODEGROUP_ROLE: 'worker' });
  const made = await createHands({
    files: { '/etc/sysconfig/heat-params': params.map((pair) => `${pair.join('="')}"\n`).join('') },
    config: ['layout: kubernetes-certs'],
  });
  await writeCertificates(node, made, signs, trusted);
  return made;
}

const state = async (made: TestHands): Promise<RotationState> => await rotationState(made.hands);
const codesOf = ({ notes }: RotationState): string[] => notes.map(({ code }) => code);

describe('a node', () => {
  test.each([
    ['that trusts one CA is in no rotation', served, [served], null, []],
    [
      'with certificates of the older CA has completed trust',
      former,
      [former, served],
      'trust',
      ['reissue-is-next'],
    ],
    [
      'with certificates of the newest has completed reissue',
      served,
      [former, served],
      'reissue',
      ['retire-is-next'],
    ],
    ['in any order', served, [served, former], 'reissue', ['retire-is-next']],
    ['with the same CA twice is in no rotation', served, [served, served], null, []],
  ] as const)('%s', async (_, signs, trusted, phase, notes) => {
    const seen = await state(await site(signs, trusted));
    expect([seen.phase, codesOf(seen)]).toEqual([phase, notes]);
  });

  test.each([
    ['of both', async () => await (await site(served, [served])).read(LEAF)],
    ['and an invalid one', async () => await Promise.resolve('no certificate')],
  ])('with certificates %s is between trust and reissue', async (_, text) => {
    const made = await site(former, [former, served]);
    await made.write(LEAF, await text());
    expect(await state(made)).toMatchObject({ phase: 'trust', notes: [{ code: 'signers-differ' }] });
  });

  test('that is not set up yet, or has a damaged CA file, is in no rotation', async () => {
    expect(await state(await createHands())).toEqual({ phase: null, notes: [] });
    const made = await site(served, [former, served]);
    const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    await made.write(node.layout.authorities[0]?.file.path ?? '', damaged);
    expect(await state(made)).toEqual({ phase: null, notes: [] });
  });
});

/** Makes a node with certificates of the older CA, and a record of its rotation. */
const during = async (
  record: Partial<RotationRecord>,
  trusted = [former, served],
): Promise<RotationState> => {
  const made = await site(former, trusted);
  await made.write(ROTATION, recordText({ version: 1, peers: [], ...record }));
  return await state(made);
};

describe('an automatic rotation', () => {
  test.each([
    ['peers-stepping', 'rotation-waits'],
    ['held', 'rotation-held'],
  ])('waits because of %s: %s', async (why, code) => {
    const { notes } = await during({ waits: { why, for: ['k1-node-1'], until: UNTIL, at: 0 } });
    expect(notes[1]).toMatchObject({
      code,
      reason: why,
      for: ['k1-node-1'],
      until: '2026-11-29T12:00:00.000Z',
    });
  });

  test('tells of a turn that a master did not get', async () => {
    const { notes } = await during({ turnMissed: { why: 'no-api', at: UNTIL } });
    expect(notes).toContainEqual(
      expect.objectContaining({ code: 'turn-missed', reason: 'no-api', seenAt: '2026-11-29T12:00:00.000Z' }),
    );
  });

  test('names objects that need the old CA, and their number', async () => {
    const users = [{ kind: 'Pod', namespace: 'a', name: 'b', reason: 'started-before' as const }];
    const { notes } = await during({ oldCaUsers: { cas: 'x', at: UNTIL, isAll: true, count: 7, users } });
    expect(notes[1]).toMatchObject({ code: 'old-ca-in-use', objects: users, count: 7 });
    expect(
      codesOf(await during({ oldCaUsers: { cas: 'x', at: 0, isAll: true, count: 0, users: [] } })),
    ).toEqual(['reissue-is-next']);
  });

  test('has ended: nothing waits, and the expiry of the old CA is reported', async () => {
    const record = {
      oldCa: { cas: 'x', endedAt: UNTIL },
      waits: { why: 'held', for: [], at: 0 },
    };
    expect(await during(record, [served])).toEqual({
      phase: null,
      notes: [],
      oldCaEndedAt: '2026-11-29T12:00:00.000Z',
    });
    expect(await during(record)).not.toHaveProperty('oldCaEndedAt');
  });
});

test('waits for unfinished work in the cluster', async () => {
  const made = await site(served, [served]);
  const due = 0;
  await made.write(FOLLOW_UPS, followUpsText({ tokens: { due, why: 'refused' }, clientTrust: { due } }));
  expect(codesOf(await state(made))).toEqual(['legacy-tokens-wait']);
  await made.write(FOLLOW_UPS, followUpsText({ tokens: { due }, clientTrust: { due, why: 'refused' } }));
  expect(codesOf(await state(made))).toEqual(['client-trust-waits']);
});
