import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { tokenKeyId } from '../../src/services/token-keys.ts';
import { presentedCertificate } from '../../src/services/presented.ts';
import { NEVER } from '../src/support/clock.ts';
import { createRotationLoop } from '../../agent/daemon/rotation.ts';
import { rotationState } from '../../agent/inspection/rotation-state.ts';
import { at } from '../cloud/exchange.ts';
import { jsonObject } from '../src/support/fixtures.ts';
import { ownNodeAlone } from '../fakes/imitated-rules.ts';
import { cli } from './support/cli.ts';
import { logged } from './support/logged.ts';
import { createFleet, type Fleet, type Member } from './support/whole-cluster.ts';

/** One `openstack coe ca rotate`: every node runs trust, reissue and retire automatically. */

const HOUR = 3_600_000;

let cloud: Cloud;
/** Certificates have whole seconds, so rotations must not share one. */
let behindMs = 120_000;
beforeAll(async () => {
  cloud = await startCloud({ now: () => Date.now() - behindMs });
});
afterAll(async () => {
  await cloud.close();
});

async function rotate({ cluster }: Fleet): Promise<void> {
  behindMs -= 2000;
  await cloud.rotateCa(cluster);
}

const fingerprints = (text: string): string[] =>
  (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (pem) => new X509Certificate(pem).fingerprint256,
  );

/** Expects only Magnum's CA in the node's CA file, and a kubelet that presents a certificate of it. */
async function expectDone({ cluster }: Fleet, { site, address }: Member): Promise<void> {
  const ca = new X509Certificate(cluster.ca.kubernetes);
  expect(fingerprints(await site.node.read('/etc/kubernetes/certs/ca.crt'))).toEqual([ca.fingerprint256]);
  const leaf = await presentedCertificate(address, site.node.units.port('kubelet'), NEVER);
  expect(leaf.verify(ca.publicKey)).toBe(true);
}

/** Lets every running node look at the same time until no work is left. @returns the steps of each node */
async function settle(fleet: Fleet, rounds = 30): Promise<Record<string, string[]>> {
  const steps: Record<string, string[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    const advanced = await Promise.all(
      fleet.members
        .filter(({ isOff }) => !isOff)
        .map(async (member) => ({ name: member.name, advanced: await fleet.look(member) })),
    );
    for (const { name, advanced: one } of advanced)
      if (one.is === 'stepped') {
        expect(one.despite).toEqual([]);
        steps[name] = [...(steps[name] ?? []), one.step];
      }
    if (advanced.every(({ advanced: one }) => one.is === 'nothing')) return steps;
  }
  throw new Error(`not settled: ${JSON.stringify(steps)}`);
}

const ALL = ['trust', 'reissue', 'retire'];

/** Start and end of each phase on a node, from its log. */
const phasesIn = ({ site }: Member): { from: number; to: number }[] => {
  const times = (event: string): number[] =>
    site.log
      .map(jsonObject)
      .filter((line) => at(line, 'event') === event)
      .map((line) => Date.parse(String(at(line, 'time'))));
  const ends = times('phase-done');
  return times('phase-started').map((from, index) => ({ from, to: ends[index] ?? Infinity }));
};

/** Ten seconds of work, or more on a busy machine. */
const LONG = { timeout: 240_000 };

test('retires the old CA on three masters and two workers, one master at a time', LONG, async () => {
  const fleet = await createFleet(cloud, 3, 2);
  expect(await settle(fleet)).toEqual({});
  await rotate(fleet);
  const steps = await settle(fleet);
  expect(steps).toEqual(Object.fromEntries(fleet.members.map(({ name }) => [name, ALL])));
  for (const member of fleet.members) {
    await expectDone(fleet, member);
    const { log } = member.site;
    const [line, ...others] = logged(log, 'old-ca-ended');
    expect([line?.['level'], others]).toEqual(['info', []]);
    const ended = Date.parse((await rotationState(await member.site.start())).oldCaEndedAt ?? '');
    const [, , retired] = logged(log, 'phase-done');
    expect(ended).toBeGreaterThanOrEqual(Date.parse(String(retired?.['time'])));
  }

  const phases = fleet.members
    .filter(({ role }) => role === 'master')
    .flatMap(phasesIn)
    .toSorted((a, b) => a.from - b.from);
  expect(phases).toHaveLength(9);
  for (const [index, { to }] of phases.entries())
    expect(phases[index + 1]?.from ?? to).toBeGreaterThanOrEqual(to);
});

test('imitated, Kubernetes 1.32: works with kubelets that may read only their own Node', LONG, async () => {
  const fleet = await createFleet(cloud, 2, 1);
  let refused = 0;
  fleet.kubernetes.instead = (asked) => {
    const answer = ownNodeAlone(asked);
    refused += answer ? 1 : 0;
    return answer;
  };
  await rotate(fleet);
  expect(await settle(fleet)).toEqual(Object.fromEntries(fleet.members.map(({ name }) => [name, ALL])));
  for (const member of fleet.members) await expectDone(fleet, member);
  // No agent requests another Node.
  expect(refused).toBe(0);
});

test('answers the deployment when `trust` is proven, and runs the other phases afterwards', async () => {
  const fleet = await createFleet(cloud, 1, 1);
  await rotate(fleet);
  for (const { site } of fleet.members) await site.pass();
  expect(await cloud.settled(fleet.cluster)).toBe('UPDATE_COMPLETE');
  expect(await settle(fleet)).toEqual({
    'master-0': ['reissue', 'retire'],
    'worker-0': ['reissue', 'retire'],
  });
  for (const member of fleet.members) await expectDone(fleet, member);
});

test('calls a worker that Heat never asks, and that would ask Magnum only hours later', async () => {
  const fleet = await createFleet(cloud, 1, 1);
  await settle(fleet);
  const [master, worker] = fleet.members;
  if (!master || !worker) throw new Error('there are two members');
  const { site } = worker;
  const hands = await site.start();
  const loop = createRotationLoop(hands, () => 0.5);
  expect(await loop.turn(false, NEVER)).toBe(false);
  await rotate(fleet);
  await master.site.pass();
  const minutes = async (count: number): Promise<boolean> => {
    await site.clock.sleep(count * 60_000, NEVER);
    return await loop.turn(false, NEVER);
  };
  expect(await minutes(6)).toBe(false);
  expect(await fleet.look(master)).toMatchObject({ is: 'waits', why: 'peers-refuse-served' });
  expect(await minutes(1)).toBe(false);
  expect(await minutes(6)).toBe(true);
  expect(fingerprints(await site.node.read('/etc/kubernetes/certs/ca.crt'))).toContain(
    new X509Certificate(fleet.cluster.ca.kubernetes).fingerprint256,
  );
  expect(await fleet.look(master)).toMatchObject({ is: 'stepped', step: 'reissue', despite: [] });
});

/** Takes these steps on a master and on a worker, and then makes another worker. */
async function withJoined(...steps: readonly string[]) {
  const fleet = await createFleet(cloud, 1, 1, 1);
  await settle(fleet);
  await rotate(fleet);
  for (const step of steps)
    for (const member of fleet.members)
      expect(await fleet.look(member)).toMatchObject({ is: 'stepped', step });
  const [master] = fleet.members;
  if (!master) throw new Error('there is a master');
  return { fleet, master, late: await fleet.join() };
}
const reasonsOf = async ({ site }: Member): Promise<unknown[]> =>
  (await rotationState(await site.start())).notes.map(({ code, reason }) => ({ code, reason }));

describe('a worker that joins', () => {
  test('between trust and reissue waits for the masters, says so, and works after their reissue', async () => {
    const { fleet, master, late } = await withJoined('trust');
    const waits = { is: 'waits', why: 'masters-refused', for: [master.address] };
    expect(await fleet.look(late)).toMatchObject(waits);
    expect(await reasonsOf(late)).toEqual([{ code: 'rotation-waits', reason: 'masters-refused' }]);
    // The others do not wait for it.
    expect(await fleet.look(master)).toMatchObject({ is: 'stepped', step: 'reissue', despite: [] });
    expect(await fleet.look(late)).toEqual({ is: 'nothing' });
    expect(await reasonsOf(late)).toEqual([]);
    fleet.switchOn(late);
    expect(await settle(fleet)).toEqual({ 'master-0': ['retire'], 'worker-0': ['reissue', 'retire'] });
    for (const member of fleet.members) await expectDone(fleet, member);
  });

  test('between reissue and retire works at once, and takes no step', async () => {
    const { fleet, late } = await withJoined('trust', 'reissue');
    fleet.switchOn(late);
    expect(await settle(fleet)).toEqual({ 'master-0': ['retire'], 'worker-0': ['retire'] });
    for (const member of fleet.members) await expectDone(fleet, member);
  });

  test('takes the next rotation like the others', async () => {
    const { fleet, late } = await withJoined('trust');
    for (const { site } of fleet.members) await site.pass();
    expect(await cloud.settled(fleet.cluster)).toBe('UPDATE_COMPLETE');
    await rotate(fleet);
    fleet.switchOn(late);
    const steps = await settle(fleet);
    expect(steps).toEqual({ 'master-0': ALL, 'worker-0': ALL, [late.name]: ALL });
    for (const member of fleet.members) await expectDone(fleet, member);
  });
});

/** The nodes in the order of their unit restarts. */
function restartsOf({ members }: Fleet): string[] {
  const restarts: string[] = [];
  for (const { name, site } of members) {
    const keep = site.progress.push.bind(site.progress);
    site.progress.push = (...events) => {
      for (const event of events)
        if (event.event === 'step' && event.step.code === 'restart') restarts.push(name);
      return keep(...events);
    };
  }
  return restarts;
}

test('restarts masters one by one that are asked at the same moment, and answers all', async () => {
  const fleet = await createFleet(cloud, 3, 0);
  await rotate(fleet);
  const restarts = restartsOf(fleet);
  await Promise.all(fleet.members.map(async ({ site }) => await site.pass()));
  expect(await cloud.settled(fleet.cluster)).toBe('UPDATE_COMPLETE');
  // The order of turns: one name per change.
  const turns = restarts.filter((name, index) => name !== restarts[index - 1]);
  expect(turns.toSorted()).toEqual(fleet.members.map(({ name }) => name));
  // The log reports the wait, and so does `agent status`.
  const waits = fleet.members.filter(({ site }) =>
    site.progress.some((one) => one.event === 'waiting' && one.what === 'wait for the turn of this master'),
  );
  expect(waits.length).toBeGreaterThan(0);
});

test('waits in its turn for a master that becomes unwell, before the next restart', async () => {
  const fleet = await createFleet(cloud, 3, 0);
  await settle(fleet);
  const [first, second] = fleet.members;
  if (!first || !second) throw new Error('there are three members');
  await rotate(fleet);
  const { site } = first;
  const did: string[] = [];
  const keep = site.progress.push.bind(site.progress);
  site.progress.push = (...events) => {
    for (const event of events) {
      const isRestart = event.event === 'step' && event.step.code === 'restart';
      // The other master goes off while etcd restarts, and comes back while this one waits for it. The API server is
      // stopped by then, and is started first.
      if (isRestart && !did.includes('restart')) second.site.node.units.mute(true);
      if (event.event === 'waiting') second.site.node.units.mute(false);
      if (isRestart || event.event === 'waiting') did.push(isRestart ? 'restart' : 'wait');
    }
    return keep(...events);
  };
  expect(await fleet.look(first)).toMatchObject({ is: 'stepped', step: 'trust' });
  expect(did.slice(0, 4)).toEqual(['restart', 'restart', 'wait', 'restart']);
  expect(did.filter((one) => one === 'wait')).toHaveLength(1);
  expect(logged(site.log, 'masters-unwell')).toEqual([]);
});

test('makes a worker wait for every master, also for those that it never connects to', async () => {
  const fleet = await createFleet(cloud, 2, 1);
  await settle(fleet);
  const [asked, other, worker] = fleet.members;
  if (!asked || !other || !worker) throw new Error('there are three members');
  await rotate(fleet);
  for (const member of fleet.members)
    expect(await fleet.look(member)).toMatchObject({ is: 'stepped', step: 'trust' });
  for (const member of [asked, worker])
    expect(await fleet.look(member)).toMatchObject({ is: 'stepped', step: 'reissue' });
  const waits = { is: 'waits', why: 'peers-present-former', for: [other.address] };
  expect(await fleet.look(worker)).toMatchObject(waits);
  expect(await fleet.look(other)).toMatchObject({ is: 'stepped', step: 'reissue' });
  expect(await fleet.look(worker)).toMatchObject({ is: 'stepped', step: 'retire', despite: [] });
});

test('does not wait for a worker that is off, which completes the rotation soon after its return', async () => {
  const fleet = await createFleet(cloud, 1, 2);
  await settle(fleet);
  const [, off, other] = fleet.members;
  if (!off || !other) throw new Error('there are three members');
  fleet.switchOff(off);
  await rotate(fleet);
  expect(await settle(fleet)).toEqual({ 'master-0': ALL, [other.name]: ALL });
  fleet.switchOn(off);
  expect(await settle(fleet)).toEqual({ [off.name]: ALL });
  for (const member of fleet.members) await expectDone(fleet, member);
});

test('waits for a node with a broken agent, and cuts it off at the deadline', async () => {
  const fleet = await createFleet(cloud, 1, 2);
  await settle(fleet);
  const [master, worker, idle] = fleet.members;
  if (!master || !worker || !idle) throw new Error('there are three members');
  const data = { 'ca.crt': Buffer.from(fleet.cluster.ca.kubernetes).toString('base64') };
  fleet.kubernetes.core.put('secrets', 'shop', 'clients', { type: 'Opaque', data });
  await rotate(fleet);
  const waits = { is: 'waits', why: 'peers-refuse-served', for: [idle.name] };
  for (const member of [master, worker])
    expect(await fleet.look(member)).toMatchObject({ is: 'stepped', step: 'trust' });
  expect(await fleet.look(master)).toMatchObject(waits);
  const { notes } = await rotationState(await master.site.start());
  expect(notes).toContainEqual(
    expect.objectContaining({ code: 'rotation-waits', reason: waits.why, for: waits.for }),
  );

  master.site.clock.jump(12 * HOUR);
  expect(await fleet.look(master)).toMatchObject({ is: 'stepped', step: 'reissue', despite: [idle.name] });
  expect(await fleet.look(worker)).toMatchObject({ is: 'stepped', step: 'reissue', despite: [] });
  expect(await fleet.look(master)).toMatchObject({ is: 'waits', why: 'peers-present-former' });
  const user = { kind: 'Secret', namespace: 'shop', name: 'clients', reason: 'trusts-old-ca' };
  expect((await rotationState(await master.site.start())).notes).toContainEqual(
    expect.objectContaining({ code: 'old-ca-in-use', objects: [user], count: 1 }),
  );
  master.site.clock.jump(12 * HOUR);
  expect(await fleet.look(master)).toMatchObject({ is: 'stepped', step: 'retire', despite: [idle.name] });
  // Its agent works again.
  expect(await settle(fleet)).toEqual({ [worker.name]: ['retire'], [idle.name]: ALL });
  for (const member of fleet.members) await expectDone(fleet, member);
});

const KEYS = '/etc/kubernetes/certs/service_account';

test('keeps the signing key if another API server would refuse tokens of the next one', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const fleet = await createFleet(cloud, 2, 0);
  for (const { site } of fleet.members) {
    await site.node.write(`${KEYS}.key`, publicKey);
    await site.node.write(`${KEYS}_private.key`, privateKey);
  }
  await settle(fleet);
  const [first, second] = fleet.members;
  if (!first || !second) throw new Error('there are two members');
  await rotate(fleet);
  // Heat gives up before it asks the second master, which takes `trust` by itself and knows no other key.
  await first.site.pass();
  expect(await fleet.look(second)).toMatchObject({ is: 'stepped', step: 'trust' });
  const keys = [{ kid: tokenKeyId(publicKey) }];
  fleet.kubernetes.instead = ({ path }) =>
    path === '/openid/v1/jwks' ? { status: 200, body: { keys } } : undefined;
  const waits = { is: 'waits', why: 'peers-refuse-key', for: [second.name] };
  expect(await fleet.look(first)).toMatchObject(waits);
  first.site.clock.jump(12 * HOUR);
  expect(await fleet.look(first)).toMatchObject({ is: 'stepped', step: 'reissue', despite: [] });
  expect(await first.site.node.read(`${KEYS}_private.key`)).toBe(privateKey);
  expect(Object.keys(await settle(fleet)).toSorted()).toEqual([first.name, second.name]);
  for (const member of fleet.members) {
    await expectDone(fleet, member);
    expect(await member.site.node.read(`${KEYS}_private.key`)).toBe(privateKey);
  }
});

test('leaves the node as it was after a failed phase, and retries the phase', async () => {
  const fleet = await createFleet(cloud, 1, 1);
  await settle(fleet);
  const [master] = fleet.members;
  if (!master) throw new Error('there is a master');
  await rotate(fleet);
  master.site.node.units.breakUnit('kubelet', 'fails to start once');
  const before = await master.site.node.read('/etc/kubernetes/certs/ca.crt');
  expect(await fleet.look(master)).toMatchObject({ is: 'failed', step: 'trust' });
  expect(await master.site.node.read('/etc/kubernetes/certs/ca.crt')).toBe(before);
  expect(await settle(fleet)).toEqual({ 'master-0': ALL, 'worker-0': ALL });
  for (const member of fleet.members) await expectDone(fleet, member);
});

test('a hold warns ten minutes before it ends, once, and then the next phase begins', async () => {
  const fleet = await createFleet(cloud, 1, 1);
  await settle(fleet);
  const [master, worker] = fleet.members;
  if (!master || !worker) throw new Error('there are two members');
  const { site } = master;
  const held = async () =>
    (await rotationState(await site.start())).notes.filter(({ code }) => code === 'rotation-held');
  await rotate(fleet);
  await cli(site, ['rotation', 'hold', '--for', '8h']);
  for (const member of fleet.members)
    expect(await fleet.look(member)).toMatchObject({ is: 'stepped', step: 'trust' });
  expect(await fleet.look(master)).toMatchObject({ is: 'waits', why: 'held' });
  expect(logged(site.log, 'hold-ends-soon')).toEqual([]);
  expect((await held())[0]?.endsSoon).toBeUndefined();

  site.clock.jump(8 * HOUR - 500_000);
  for (let looks = 0; looks < 2; looks += 1)
    expect(await fleet.look(master)).toMatchObject({ is: 'waits', why: 'held' });
  expect(logged(site.log, 'hold-ends-soon')).toHaveLength(1);
  expect((await held())[0]?.endsSoon).toBe(true);

  site.clock.jump(500_000);
  expect(await fleet.look(master)).toMatchObject({ is: 'stepped', step: 'reissue' });
});

test('lets an operator hold a rotation on a node, release it, and finish it without waiting', async () => {
  const fleet = await createFleet(cloud, 1, 1);
  await settle(fleet);
  const [master, worker] = fleet.members;
  if (!master || !worker) throw new Error('there are two members');
  const order = async (...words: string[]): Promise<Record<string, unknown>> =>
    jsonObject((await cli(master.site, ['rotation', ...words, '--json'])).stdout);

  await rotate(fleet);
  expect(await order('hold', '--for', '8h')).toMatchObject({ finishes: false });
  expect(await fleet.look(master)).toMatchObject({ is: 'stepped', step: 'trust' });
  expect(await fleet.look(master)).toMatchObject({ is: 'waits', why: 'held' });
  expect(await order('continue')).toEqual({ version: 1, finishes: false });
  expect(await fleet.look(master)).toMatchObject({ is: 'waits', why: 'peers-refuse-served' });

  expect((await cli(master.site, ['rotation', 'finish'])).code).toBe(2);
  expect(await order('finish', '--now')).toEqual({ version: 1, finishes: true });
  const despite = [worker.name];
  expect(await fleet.look(master)).toMatchObject({ is: 'stepped', step: 'reissue', despite });
  expect(await fleet.look(master)).toMatchObject({ is: 'stepped', step: 'retire', despite });
  // An order applies to one rotation.
  await settle(fleet);
  for (const { site } of fleet.members) await site.pass();
  expect(await cloud.settled(fleet.cluster)).toBe('UPDATE_COMPLETE');
  await rotate(fleet);
  expect(await fleet.look(master)).toMatchObject({ is: 'stepped', step: 'trust' });
  expect(await fleet.look(master)).toMatchObject({ is: 'waits', why: 'peers-refuse-served' });
});
