import { expect, test } from 'vitest';
import { clientsOf } from '../../../agent/peers/clients.ts';
import { firstApisOf, withAnyApi } from '../../../agent/peers/reach-api.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';
import { type FakeServer, networkOf } from '../support/network.ts';

const [former, served, foreign] = [newGeneration(), newGeneration(), newGeneration()];
const node = nodeOf('master');
const { kubernetes: client } = clientsOf(node);
const [FIRST, SECOND] = ['10.0.0.5:6443', '10.0.0.6:6443'];
const ADDRESSES = ['10.0.0.5', '10.0.0.6'].map((host) => ({ host, port: 6443 }));

const leafOf = (generation = served): string =>
  caOf(generation, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
const well = (presents = leafOf()): FakeServer => ({
  presents,
  ask: createKubernetes().askAs('system:masters'),
});
/** Makes a server that breaks off the connection of a client that it rejects. */
const breaksOff = (): FakeServer => ({
  presents: leafOf(),
  ask: async () => await Promise.reject(new AgentError('cloud-unreachable', 'connection reset')),
});
const refusing = (status: number): FakeServer => ({
  presents: leafOf(),
  ask: async () => await Promise.resolve({ status, headers: {}, text: '' }),
});

/** Requests `/api` from a node that trusts both generations, through any reachable server. */
async function reach(
  servers: Readonly<Record<string, FakeServer>>,
  {
    work = asked,
    abort = NEVER,
    has = true,
  }: { work?: typeof asked; abort?: AbortSignal; has?: boolean } = {},
) {
  const network = networkOf(servers);
  const { hands, write } = await testHands(network);
  if (has) await writeCertificates(node, { write }, former, [former, served]);
  if (!client) throw new Error('a master has a client certificate');
  const reached = async () => await withAnyApi(ADDRESSES, client, hands, abort, work);
  return { network, reached };
}
const asked = async (ask: AskApi): Promise<number> =>
  (await ask({ what: 'asking', method: 'GET', path: '/api', abort: NEVER })).status;

test('uses the first server that answers', async () => {
  const { network, reached } = await reach({ [FIRST]: well(), [SECOND]: well() });
  expect(await reached()).toEqual({ api: 'answers', value: 200 });
  expect(network.opened.map(({ host }) => host)).toEqual(['10.0.0.5']);
});

test('tries the next server if one is down, untrusted or rejects the node', async () => {
  for (const first of [undefined, well(leafOf(foreign)), refusing(401), refusing(403)]) {
    const { network, reached } = await reach({ ...(first && { [FIRST]: first }), [SECOND]: well() });
    expect(await reached()).toEqual({ api: 'answers', value: 200 });
    expect(network.opened.at(-1)?.host).toBe('10.0.0.6');
  }
});

test('verifies each server behind a load balancer with the CAs that the node trusts', async () => {
  const { network, reached } = await reach({ [FIRST]: well() });
  await reached();
  expect(network.opened).toMatchObject([
    { ca: [former, served].map((one) => caOf(one, 'kubernetes').pem).join('') },
  ]);
  expect(network.opened[0]).not.toHaveProperty('presents');
});

test.each([
  ['is not trusted', well(leafOf(foreign))],
  ['rejects the node', refusing(401)],
  ['ends the connection of the node', breaksOff()],
])('rejects if a server %s', async (_, server) => {
  const { reached } = await reach({ [SECOND]: server });
  expect(await reached()).toEqual({ api: 'refused' });
});

test('reports no answer if no server answers, or without a client certificate', async () => {
  expect(await (await reach({})).reached()).toEqual({ api: 'silent' });
  const { network, reached } = await reach({ [FIRST]: well() }, { has: false });
  expect(await reached()).toEqual({ api: 'silent' });
  expect(network.opened).toEqual([]);
});

test("closes each connection, and throws the work's errors", async () => {
  const { network, reached } = await reach(
    { [FIRST]: refusing(401), [SECOND]: well() },
    { work: async () => await Promise.reject(new AgentError('state', 'no')) },
  );
  expect(await agentErrorOf(reached())).toMatchObject({ code: 'state' });
  expect(network.opened).toHaveLength(2);
  expect(network.open()).toBe(0);
});

test('stops on abort', async () => {
  const { reached } = await reach({}, { abort: AbortSignal.abort() });
  expect(await agentErrorOf(reached())).toMatchObject({ code: 'aborted' });
});

test("tries a master's own API server first, and a worker's from heat-params", () => {
  const probe = { host: '127.0.0.1', port: 7443, file: '/x' };
  const unit = { name: 'kube-apiserver', required: true, deadlineMs: 1, settleMs: 1 };
  const params = { KUBE_MASTER_IP: '10.0.0.9' };
  expect(firstApisOf(nodeOf('master', params), [{ ...unit, probe }])).toEqual([
    { host: '127.0.0.1', port: 7443 },
  ]);
  expect(firstApisOf(nodeOf('worker', params), [])).toEqual([{ host: '10.0.0.9', port: 6443 }]);
  expect(firstApisOf(nodeOf('worker', { ...params, KUBE_API_PORT: '8443' }), [])).toEqual([
    { host: '10.0.0.9', port: 8443 },
  ]);
  expect(firstApisOf(nodeOf('worker'), [])).toEqual([]);
});
