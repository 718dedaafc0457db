import { expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import { renewalFor, seeAccepted } from '../../../agent/inspection/unit-credential.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { newKubeconfig } from '../../../src/files/new-kubeconfig.ts';
import { REFUSED_ELSEWHERE } from '../../../src/services/restart.ts';
import { createClusterCa, type Leaf } from '../../cluster/authority.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf, faultIn } from '../../src/support/outcome-of.ts';
import { tempRoot } from '../../src/support/temp-root.ts';
import { type FakeServer, networkOf } from '../support/network.ts';

const PATH = '/etc/kubernetes/scheduler.conf';
const [OWN, ELSEWHERE] = ['127.0.0.1:6443', '10.0.0.9:6443'];
const [ca, other] = [createClusterCa('k1'), createClusterCa('k1')];
const client = ca.issue([['CN', 'system:kube-scheduler']]);
const presented = (from = ca): string => from.issue([['CN', 'kubernetes']]).cert;

const answering = (status: number, text = ''): FakeServer => ({
  presents: presented(),
  ask: async () => await Promise.resolve({ status, headers: {}, text }),
});
const kubeconfigFor = (server: string, { cert, key }: Leaf = client): string =>
  newKubeconfig(
    { ca: ca.pem, certificate: cert, key },
    { cluster: 'k1', user: 'scheduler', server: `https://${server}` },
  );

/** Makes hands on a node whose unit has a kubeconfig for one server. */
async function nodeWith(at: string, server?: FakeServer, text = kubeconfigFor(at)) {
  const network = networkOf(server ? { [at]: server } : {});
  const { disk, write } = await tempRoot();
  await write(PATH, text);
  const hands: Pick<Hands, 'disk' | 'secrets' | 'presented' | 'openKubernetes'> = {
    disk,
    secrets: createSecrets(),
    ...network,
  };
  return { hands, network };
}
const see = async ({ hands }: Awaited<ReturnType<typeof nodeWith>>): Promise<string | undefined> =>
  await seeAccepted(PATH, hands, NEVER);

test('asks the server of the kubeconfig with its certificate, and closes the connection', async () => {
  const made = await nodeWith(OWN, answering(200));
  expect(await see(made)).toBeUndefined();
  expect(made.network.opened).toMatchObject([
    { host: '127.0.0.1', port: 6443, ca: ca.pem, client: { cert: client.cert, key: client.key } },
  ]);
  expect(made.network.open()).toBe(0);
  expect(made.hands.secrets.redact(client.key.split('\n')[1] ?? '')).toBe('***');
});

test.each([403, 404])('a client whom the API answers with %i is accepted', async (status) => {
  expect(await see(await nodeWith(OWN, answering(status)))).toBeUndefined();
});

test.each([
  [401, OWN, undefined],
  [401, ELSEWHERE, REFUSED_ELSEWHERE],
  [429, OWN, undefined],
  [503, ELSEWHERE, undefined],
])('a client whom the API answers with %i at %s is not accepted', async (status, at, reason) => {
  const made = await nodeWith(at, answering(status));
  expect(await faultIn(see(made))).toEqual({ code: 'not-yet', reason });
  expect(made.network.open()).toBe(0);
});

test("another node's API server that is silent or untrusted proves nothing; this node's own is waited for", async () => {
  const strange: FakeServer = { ...answering(200), presents: presented(other) };
  for (const server of [undefined, strange]) {
    expect(await see(await nodeWith(ELSEWHERE, server))).toBeTypeOf('string');
    expect(await faultIn(see(await nodeWith(OWN, server)))).toMatchObject({ code: 'not-yet' });
  }
});

test('behind a load balancer, a second server with an untrusted certificate proves nothing', async () => {
  const refusing: FakeServer = {
    presents: presented(),
    ask: async () => await Promise.reject(new AgentError('not-yet', 'unknown CA', { reason: 'ca-unknown' })),
  };
  expect(await see(await nodeWith(ELSEWHERE, refusing))).toBeTypeOf('string');
  expect(await faultIn(see(await nodeWith(OWN, refusing)))).toMatchObject({ reason: 'ca-unknown' });
});

test.each([
  ['without a client certificate', kubeconfigFor(OWN).replace('client-key-data', 'token')],
  ['without a server', kubeconfigFor(OWN).replace('server:', 'other:')],
  ['with a server without TLS', kubeconfigFor(OWN).replace('https:', 'http:')],
  ['without a CA', kubeconfigFor(OWN).replace('certificate-authority-data', 'other')],
])('a kubeconfig %s proves nothing', async (_, text) => {
  const made = await nodeWith(OWN, answering(200), text);
  expect(await see(made)).toBeTypeOf('string');
  expect(made.network.opened).toEqual([]);
});

test('a missing kubeconfig proves nothing', async () => {
  const { hands } = await nodeWith(OWN, answering(200));
  expect(await seeAccepted('/etc/none', hands, NEVER)).toBeTypeOf('string');
});

test('passes on that the work is stopped', async () => {
  const { hands } = await nodeWith(ELSEWHERE, answering(200));
  const error = await agentErrorOf(seeAccepted(PATH, hands, AbortSignal.abort()));
  expect(error.code).toBe('aborted');
});

test('reads a lease as the unit; nothing if the unit may not read it or cannot ask', async () => {
  const lease = { namespace: 'kube-system', name: 'kube-scheduler' };
  const spec = { holderIdentity: 'master-0', renewTime: '2026-11-29T00:00:00.000000Z' };
  const held = await nodeWith(OWN, answering(200, JSON.stringify({ spec })));
  expect(await renewalFor(PATH, lease, held.hands, NEVER)).toContain(spec.renewTime);
  const forbidden = await nodeWith(OWN, answering(403));
  expect(await renewalFor(PATH, lease, forbidden.hands, NEVER)).toBeUndefined();
  const silent = await nodeWith(ELSEWHERE);
  expect(await renewalFor(PATH, lease, silent.hands, NEVER)).toBeUndefined();
});
