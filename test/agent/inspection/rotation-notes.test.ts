import { expect, test } from 'vitest';
import { notesOfTurn, notesOfWaits, WITHOUT_TURN } from '../../../agent/inspection/rotation-notes.ts';
import { type RotationRecord, writeRotation } from '../../../agent/phases/record.ts';
import { STATE } from '../../../agent/paths.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const AT = Date.parse('2026-11-29T01:00:00Z');
const UNTIL = Date.parse('2026-11-29T02:00:00Z');
const ISO = '2026-11-29T02:00:00.000Z';

async function diskWith(record: Partial<RotationRecord>) {
  const { disk } = await tempRoot();
  await disk.makeDirectory(STATE, { mode: 0o700 });
  await writeRotation({ version: 1, peers: [], ...record }, { disk });
  return { disk };
}
const waits = async (record: Partial<RotationRecord>) => await notesOfWaits(await diskWith(record), true);

test('there are no notes without a rotation, or with a damaged record', async () => {
  expect(await notesOfWaits(await tempRoot(), true)).toEqual([]);
  const { disk, write } = await tempRoot();
  await write('/var/lib/coe-agent/rotation.json', '{');
  expect([await notesOfWaits({ disk }, true), await notesOfTurn({ disk })]).toEqual([[], []]);
});

test('names the reason of a wait, its peers and its end', async () => {
  const wait = { why: 'no-quorum', for: ['m1', 'm2'], at: AT };
  const [note] = await waits({ waits: { ...wait, until: UNTIL } });
  expect(note).toMatchObject({ code: 'rotation-waits', reason: 'no-quorum', for: ['m1', 'm2'], until: ISO });
  for (const part of ['m1, m2', ISO]) expect(note?.message).toContain(part);
  const [endless] = await waits({ waits: { ...wait, for: [] } });
  expect(endless).not.toHaveProperty('until');
});

const joined = async (why: string) =>
  await notesOfWaits(await diskWith({ waits: { why, for: [], at: AT } }), false);

test('between two rotations, only the wait of a node that joined counts', async () => {
  expect(await joined('no-quorum')).toEqual([]);
  expect(await joined('masters-refused')).toMatchObject([
    { code: 'rotation-waits', reason: 'masters-refused' },
  ]);
});

test('a reason without a text of its own is its text', async () => {
  const [note] = await waits({ waits: { why: 'changed', for: [], at: AT } });
  expect(note?.message).toMatch(/: changed$/);
});

test('tells a hold from other waits, and when it ends soon', async () => {
  const held = { why: 'held', for: [], until: UNTIL, at: AT };
  const [note] = await waits({ waits: held });
  expect(note).toMatchObject({ code: 'rotation-held', until: ISO });
  expect(note).not.toHaveProperty('endsSoon');
  expect(await waits({ waits: held, holdWarned: UNTIL })).toMatchObject([{ endsSoon: true }]);
  // A warning about an earlier hold.
  const [later] = await waits({ waits: held, holdWarned: UNTIL - 1 });
  expect(later).not.toHaveProperty('endsSoon');
});

test('lists objects that need the old CA, and names the first five', async () => {
  const users = Array.from({ length: 6 }, (_, index) => ({
    kind: 'Secret',
    namespace: index === 0 ? '' : 'n',
    name: `s${index}`,
    reason: 'trusts-old-ca' as const,
  }));
  const oldCaUsers = { cas: 'c', at: UNTIL, isAll: true, count: 8, users };
  const [note] = await waits({ oldCaUsers });
  expect(note).toMatchObject({ code: 'old-ca-in-use', count: 8, seenAt: ISO, objects: users });
  expect(note?.message).toContain('Secret s0, Secret n s1');
  expect(note?.message).toContain('and 3 more');
  expect(note?.message).not.toContain('s5');
  expect(await waits({ oldCaUsers: { ...oldCaUsers, count: 0, users: [] } })).toEqual([]);
  const both = await waits({ oldCaUsers, waits: { why: 'no-api', for: [], at: AT } });
  expect(both.map(({ code }) => code)).toEqual(['rotation-waits', 'old-ca-in-use']);
});

test('reports a missed turn with the next command', async () => {
  const [note, ...others] = await notesOfTurn(await diskWith({ turnMissed: { why: 'no-api', at: UNTIL } }));
  expect(others).toEqual([]);
  expect(note).toMatchObject({ code: 'turn-missed', reason: 'no-api', seenAt: ISO });
  expect(note?.message).toContain(WITHOUT_TURN);
});
