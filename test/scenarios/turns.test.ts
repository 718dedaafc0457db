import { describe, expect, test } from 'vitest';
import { at } from '../cloud/exchange.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { rotationState } from '../../agent/inspection/rotation-state.ts';
import { LEASE } from '../fakes/kubernetes-lease.ts';
import { jsonObject } from '../src/support/fixtures.ts';
import { cli } from './support/cli.ts';
import { lastError } from './support/last-error.ts';
import { unreadableCopies } from './support/unreadable-copies.ts';
import { createFleet, type Fleet, type Member } from './support/whole-cluster.ts';

/** What a person starts on a master takes the same turn as a rotation. */

const cloud = await cloudForFile();

/** Who has written the Lease of the turns, in order; empty: it was given back. */
const holders = ({ kubernetes }: Fleet): unknown[] =>
  kubernetes.asked
    .filter(({ method, path }) => method !== 'GET' && path.includes(LEASE.kind))
    .map(({ body }) => at(at(jsonObject(body), 'spec'), 'holderIdentity'));

async function twoMasters(): Promise<{ fleet: Fleet; master: Member }> {
  const fleet = await createFleet(cloud, 2, 0);
  const [master] = fleet.members;
  if (!master) throw new Error('there are two masters');
  return { fleet, master };
}

describe.each([
  ['agent restart', ['restart', '--unit', 'kubelet', 'kube-proxy']],
  ['agent repair', ['repair', '--force']],
] as const)('%s', (_, words) => {
  test('takes the turn, renews it before each unit and gives it back', async () => {
    const { fleet, master } = await twoMasters();
    expect((await cli(master.site, [...words])).code).toBe(0);
    const restarted = master.site.restarts().length;
    expect(restarted).toBeGreaterThan(1);
    expect(holders(fleet)).toEqual([...Array.from({ length: restarted + 1 }, () => master.name), '']);
  });

  test('takes no turn where it is told so', async () => {
    const { fleet, master } = await twoMasters();
    expect((await cli(master.site, [...words, '--without-turn'])).code).toBe(0);
    expect(master.site.restarts().length).toBeGreaterThan(1);
    expect(holders(fleet)).toEqual([]);
  });
});

test('agent rollback takes the turn', async () => {
  const { fleet, master } = await twoMasters();
  const { units } = master.site.node;
  await cloud.rotateCa(fleet.cluster);
  units.breakUnit('kubelet', 'fails to start');
  await cli(master.site, ['run-once'], unreadableCopies);
  expect(await lastError(master.site)).toMatchObject({ node: 'stuck' });
  units.mend('kubelet');
  const before = holders(fleet).length;
  expect((await cli(master.site, ['rollback'])).code).toBe(0);
  const [first, ...rest] = holders(fleet).slice(before);
  expect([first, rest.at(-1)]).toEqual([master.name, '']);
});

test(
  'without an API server nothing begins, which is told with the next command',
  { timeout: 300_000 },
  async () => {
    const { fleet, master } = await twoMasters();
    // It has seen the other one.
    await fleet.look(master);
    for (const { site } of fleet.members) site.node.units.mute(true);
    const { code, stdout } = await cli(master.site, ['restart', '--unit', 'kubelet', '--json']);
    expect(code).toBe(1);
    expect(jsonObject(stdout)).toMatchObject({ error: { code: 'precondition', reason: 'no-api' } });
    expect(master.site.restarts()).toEqual([]);

    const { notes } = await rotationState(await master.site.start());
    expect(notes).toContainEqual(expect.objectContaining({ code: 'turn-missed', reason: 'no-api' }));
    const { findings } = jsonObject((await cli(master.site, ['doctor', '--json'])).stdout);
    const next = 'agent run-once --without-turn';
    expect(findings).toContainEqual(expect.objectContaining({ id: 'rotation', reason: 'turn-missed', next }));
  },
);
