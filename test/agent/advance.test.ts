import { expect, test } from 'vitest';
import { type Advanced, advance, newAdvanceMemory } from '../../agent/advance.ts';
import { readNode } from '../../agent/node.ts';
import { STATE } from '../../agent/paths.ts';
import { PROBES } from '../../agent/peers/probes.ts';
import { readRotation, writeOrders } from '../../agent/phases/record.ts';
import { auditOf } from '../scenarios/support/audit.ts';
import { logged } from '../scenarios/support/logged.ts';
import { stageFile } from '../fakes/generation.ts';
import { CA_FILE, createSwarmNode, type SwarmNode } from '../fakes/swarm.ts';
import { NEVER } from '../src/support/clock.ts';
import { faultIn } from '../src/support/outcome-of.ts';

const AUTO = { config: ['rotation: { phase: auto }'] };

/** Looks once, as a new process does. */
async function look({ hands }: SwarmNode): Promise<Advanced> {
  await hands.disk.makeDirectory(STATE, { mode: 0o700 });
  return await advance(newAdvanceMemory(), await readNode(hands), hands, NEVER);
}

test('has nothing to do on a node with the served CA, and deletes its probes', async () => {
  const node = await createSwarmNode({ ...AUTO, isCurrent: true });
  await node.write(PROBES, '{}');
  expect(await look(node)).toEqual({ is: 'nothing' });
  expect(await node.disk.info(PROBES)).toBeUndefined();
  expect(node.units.restarts).toEqual([]);
});

test('waits for a run that is under way, without asking Magnum', async () => {
  const node = await createSwarmNode(AUTO);
  await node.hands.generations.commit(await stageFile(node));
  expect(await look(node)).toMatchObject({ is: 'waits', why: 'under-way' });
  expect(node.asked).toEqual([]);
});

test('takes one step at a look: first it trusts the served CA beside the former one', async () => {
  const node = await createSwarmNode(AUTO);
  expect(await look(node)).toEqual({ is: 'stepped', step: 'trust', despite: [] });
  const trusted = await node.read(CA_FILE);
  for (const ca of [node.former, node.served]) expect(trusted).toContain(ca.pem.trim());
  expect(node.units.restarts).toEqual(['docker']);
  expect(logged(node.log, 'phase-started')).toMatchObject([{ phase: 'trust' }]);
  expect(logged(node.log, 'phase-done')).toMatchObject([{ phase: 'trust' }]);
  expect(await auditOf(node)).toMatchObject([
    { event: 'begun', run: 'auto-trust', asked_by: 'magnum-ca' },
    { event: 'ended', run: 'auto-trust', outcome: 'succeeded', changes: [{ path: CA_FILE }] },
  ]);
  expect(await node.hands.generations.current()).toBeUndefined();
});

test('reports a step that failed, with the state that it left', async () => {
  const node = await createSwarmNode(AUTO);
  node.units.broken.add('docker');
  const before = await node.read(CA_FILE);
  expect(await look(node)).toMatchObject({ is: 'failed', step: 'trust', error: { code: 'unit' } });
  expect(await node.read(CA_FILE)).toBe(before);
  expect(logged(node.log, 'phase-failed')).toMatchObject([{ phase: 'trust', node: 'unproven' }]);
  expect(await auditOf(node)).toMatchObject([
    { event: 'begun', run: 'auto-trust' },
    { event: 'ended', run: 'auto-trust', outcome: 'failed', changes: [] },
  ]);
});

test('records a hold until it ends, and logs it once', async () => {
  const node = await createSwarmNode(AUTO);
  await look(node);
  const heldUntil = node.clock.now() + 3_600_000;
  await writeOrders({ version: 1, heldUntil }, node.hands);
  expect(await look(node)).toMatchObject({ is: 'waits', why: 'held', until: heldUntil });
  const { waits } = await readRotation(node);
  expect(waits).toMatchObject({ why: 'held', until: heldUntil, at: node.clock.now() });
  node.clock.advance(1000);
  await look(node);
  // Nothing has changed, so nothing is written.
  expect((await readRotation(node)).waits).toEqual(waits);
  expect(logged(node.log, 'rotation-waits')).toMatchObject([{ why: 'held' }]);
  expect(logged(node.log, 'hold-ends-soon')).toEqual([]);
  // Ten minutes before its end.
  node.clock.advance(3_600_000 - 5 * 60_000);
  await look(node);
  await look(node);
  expect(logged(node.log, 'hold-ends-soon')).toHaveLength(1);
  expect((await readRotation(node)).holdWarned).toBe(heldUntil);
});

test('passes on what keeps it from looking', async () => {
  const node = await createSwarmNode({ ...AUTO, params: { TLS_DISABLED: 'True' } });
  expect(await faultIn(look(node))).toEqual({ code: 'precondition', reason: 'no-tls' });
});
