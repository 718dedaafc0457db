import { expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import { createKubernetesTrust } from '../../../src/services/kubernetes-trust.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const AT = Date.parse('2026-11-29T02:00:00Z');

function setUp() {
  const api = createKubernetes();
  const retry = createRetry({ clock: testClock(), random: () => 1, onRetry: () => undefined });
  const patience = { baseMs: 1, capMs: 1, forMs: 1 };
  return { api, trust: createKubernetesTrust(api.askAs('system:masters'), retry, patience) };
}

const SECRET = {
  type: 'kubernetes.io/service-account-token',
  metadata: { annotations: { 'kubernetes.io/service-account.name': 'default' } },
  data: { token: Buffer.from('a token').toString('base64') },
};

test('lists only Secrets with tokens', async () => {
  const { api, trust } = setUp();
  api.core.put('secrets', 'n', 'a', SECRET);
  api.core.put('secrets', 'n', 'b', { ...SECRET, type: 'Opaque' });
  expect(await trust.legacyTokens(NEVER)).toMatchObject([
    { namespace: 'n', name: 'a', account: 'default', token: 'a token', clearedAt: undefined },
  ]);
});

test('clears a token and returns the time, but not in a Secret that has changed since', async () => {
  const { api, trust } = setUp();
  api.core.put('secrets', 'n', 'a', SECRET);
  const [token] = await trust.legacyTokens(NEVER);
  if (!token) throw new Error('there is one');
  expect(await trust.clearToken(token, AT, NEVER)).toBe(true);
  expect(await trust.legacyTokens(NEVER)).toMatchObject([{ token: '', clearedAt: AT, account: 'default' }]);
  expect(await trust.clearToken(token, AT, NEVER)).toBe(false);
  api.core.remove('secrets', 'n', 'a');
  expect(await trust.clearToken(token, AT, NEVER)).toBe(false);
});

test('replaces the Secrets of a service account, unless it has changed since', async () => {
  const { api, trust } = setUp();
  api.core.put('serviceaccounts', 'n', 'a', { secrets: [{ name: 'x' }, { name: 'y' }] });
  api.core.put('serviceaccounts', 'n', 'b', {});
  const accounts = await trust.serviceAccounts(NEVER);
  expect(accounts.map(({ name, secrets }) => [name, secrets])).toEqual([
    ['a', ['x', 'y']],
    ['b', []],
  ]);
  const [account] = accounts;
  if (!account) throw new Error('there is one');
  expect(await trust.setSecrets(account, ['y'], NEVER)).toBe(true);
  expect(await trust.setSecrets(account, ['x'], NEVER)).toBe(false);
  expect((await trust.serviceAccounts(NEVER))[0]?.secrets).toEqual(['y']);
});

test('lists running pods with the Secrets that they mount, in both ways', async () => {
  const { api, trust } = setUp();
  const volumes = [
    { secret: { secretName: 'mounted' } },
    { projected: { sources: [{ secret: { name: 'projected' } }, { configMap: { name: 'c' } }] } },
    { emptyDir: {} },
  ];
  const startTime = '2026-11-29T02:00:00Z';
  api.core.put('pods', 'n', 'running', { spec: { volumes }, status: { phase: 'Running', startTime } });
  api.core.put('pods', 'n', 'pending', { spec: {}, status: { phase: 'Pending' } });
  for (const phase of ['Succeeded', 'Failed'])
    api.core.put('pods', 'n', phase.toLowerCase(), { spec: {}, status: { phase } });
  const pods = await trust.pods(NEVER);
  expect(new Map(pods.map((pod) => [pod.name, pod]))).toEqual(
    new Map([
      ['running', { namespace: 'n', name: 'running', startedAt: AT, secrets: ['mounted', 'projected'] }],
      ['pending', { namespace: 'n', name: 'pending', startedAt: undefined, secrets: [] }],
    ]),
  );
});

test('reads the CAs of aggregated API servers, and replaces only those', async () => {
  const { api, trust } = setUp();
  expect(await trust.clientTrust(NEVER)).toBeUndefined();
  const [namespace, name] = ['kube-system', 'extension-apiserver-authentication'];
  const data = { 'client-ca-file': 'old', 'requestheader-client-ca-file': 'front', other: 'stays' };
  api.core.put('configmaps', namespace, name, { data });
  const found = await trust.clientTrust(NEVER);
  const cas = { 'client-ca-file': 'old', 'requestheader-client-ca-file': 'front' };
  expect(found?.cas).toEqual(cas);
  const fresh = { version: found?.version ?? '', cas: { ...cas, 'client-ca-file': 'new' } };
  expect(await trust.writeClientTrust(fresh, NEVER)).toBe(true);
  expect(api.core.find('configmaps', namespace, name)?.['data']).toEqual({
    ...data,
    'client-ca-file': 'new',
  });
  expect(await trust.writeClientTrust(fresh, NEVER)).toBe(false);
});

test('finds every API server at every port of the endpoints', async () => {
  const { api, trust } = setUp();
  expect(await trust.apiServers(NEVER)).toEqual([]);
  const addresses = [{ ip: '10.0.0.5' }, { ip: 'fd00::6' }];
  const subsets = [{ addresses, ports: [{ port: 6443 }] }, { ports: [{ port: 1 }] }];
  api.core.put('endpoints', 'default', 'kubernetes', { subsets });
  expect(await trust.apiServers(NEVER)).toEqual([
    { host: '10.0.0.5', port: 6443 },
    { host: 'fd00::6', port: 6443 },
  ]);
});

test('reports a rejected request', async () => {
  const { api, trust } = setUp();
  api.instead = () => ({ status: 403 });
  expect(await agentErrorOf(trust.pods(NEVER))).toMatchObject({ code: 'cloud-refused' });
  expect(await agentErrorOf(trust.clientTrust(NEVER))).toMatchObject({ code: 'cloud-refused' });
});
