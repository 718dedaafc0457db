import { expect, test } from 'vitest';
import type { Task } from '../../../agent/rotation/follow-ups.ts';
import { ownApiOf } from '../../../agent/rotation/own-api.ts';
import { retireClientTrust } from '../../../agent/rotation/client-trust.ts';
import { createHands } from '../../fakes/hands.ts';
import { createKubernetes, type Kubernetes } from '../../fakes/kubernetes.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { type FakeServer, networkOf } from '../support/network.ts';
import { caOf, type Generation, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const MINUTE = 60_000;
const NAME = 'extension-apiserver-authentication';
const [former, served] = [newGeneration(), newGeneration()];
const node = nodeOf('master');
const pemOf = (generation: Generation): string => caOf(generation, 'kubernetes').pem;

/** Makes a master of the new CA, and a config map that trusts these. @param leaves of the cluster's API servers */
async function master(held: readonly Generation[], leaves: readonly Generation[] = [served]) {
  const hosts = leaves.map((_, index) => `10.0.0.${index + 5}`);
  const servers = leaves.map((one, index): [string, FakeServer] => [
    `${hosts[index]}:6443`,
    { presents: caOf(one, 'kubernetes').issue([['CN', 'api']]).cert, ask: createKubernetes().askAs('x') },
  ]);
  const { hands, write, clock } = await createHands({ over: networkOf(Object.fromEntries(servers)) });
  await writeCertificates(node, { write }, served);
  const api = createKubernetes();
  api.core.put('configmaps', 'kube-system', NAME, { data: { 'client-ca-file': held.map(pemOf).join('') } });
  api.core.put('endpoints', 'default', 'kubernetes', {
    subsets: [{ addresses: hosts.map((ip) => ({ ip })), ports: [{ port: 6443 }] }],
  });
  const own = ownApiOf([], node);
  if (!own) throw new Error('a master has an API server');
  const retire = async (task: Task = { due: 0 }): Promise<Task | undefined> =>
    await retireClientTrust(task, api.askAs('system:masters'), { node, api: own }, hands, NEVER);
  return { api, clock, retire };
}
const heldBy = (api: Kubernetes): unknown => api.core.find('configmaps', 'kube-system', NAME)?.['data'];
const only = (generation: Generation): unknown => ({ 'client-ca-file': pemOf(generation).trim() });
const trimmed = (data: unknown): unknown =>
  JSON.parse(JSON.stringify(data, (_, value: unknown) => (typeof value === 'string' ? value.trim() : value)));

test('takes the former CA out, and looks again', async () => {
  const { api, clock, retire } = await master([served, former]);
  const now = clock.now();
  expect(await retire()).toMatchObject({ due: now + 2.5 * MINUTE, wroteAt: now });
  expect(trimmed(heldBy(api))).toEqual(only(served));
});

test('is done when a later look finds only the new CA', async () => {
  const { clock, retire } = await master([served]);
  const wroteAt = clock.now();
  expect(await retire()).toBeUndefined();
  expect(await retire({ due: 0, wroteAt })).toMatchObject({ due: wroteAt + 2.5 * MINUTE, wroteAt });
  clock.advance(2.5 * MINUTE);
  expect(await retire({ due: 0, wroteAt })).toBeUndefined();
});

test('waits ten minutes, and writes nothing, if an API server has added the former CA again', async () => {
  const { api, clock, retire } = await master([served, former]);
  const before = heldBy(api);
  const task = await retire({ due: 0, wroteAt: clock.now() - MINUTE });
  expect(task).toMatchObject({ due: clock.now() + 10 * MINUTE });
  expect(task).not.toHaveProperty('wroteAt');
  expect(heldBy(api)).toEqual(before);
});

test.each([
  ['an API server presents a certificate of the former CA', [served, former]],
  ['no API server is known', []],
])('writes nothing while %s', async (_, leaves) => {
  const { api, retire } = await master([served, former], leaves);
  expect(await faultIn(retire())).toMatchObject({ code: 'not-yet' });
  expect(trimmed(heldBy(api))).not.toEqual(only(served));
});

test('writes nothing while an API server is silent', async () => {
  const { api, retire } = await master([served, former]);
  api.core.put('endpoints', 'default', 'kubernetes', {
    subsets: [{ addresses: [{ ip: '10.0.0.99' }], ports: [{ port: 6443 }] }],
  });
  expect(await faultIn(retire())).toMatchObject({ code: 'not-yet' });
});
