import { expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import { type Holder, seeHolders } from '../../../src/services/certificate-holders.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';
const OTHER = PEM.replace('MA==', 'MQ==');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const retry = createRetry({ clock: testClock(), random: () => 1, onRetry: () => undefined });

function setUp() {
  const api = createKubernetes();
  const see = async (): Promise<{ isAll: boolean; holders: Holder[] }> => {
    const holders: Holder[] = [];
    const patience = { baseMs: 1, capMs: 1, forMs: 1 };
    const isAll = await seeHolders(api.askAs('system:masters'), retry, patience, NEVER, (one) =>
      holders.push(one),
    );
    return { isAll, holders };
  };
  return { api, see };
}

test('reads caBundles of webhooks, APIServices and the conversion of custom resources', async () => {
  const { api, see } = setUp();
  const clientConfig = { caBundle: base64(PEM) };
  for (const kind of ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'])
    api.core.put(kind, '', 'hook', { webhooks: [{ clientConfig }, { clientConfig: { url: 'https://x' } }] });
  api.core.put('apiservices', '', 'v1.metrics', { spec: { caBundle: base64(PEM) } });
  api.core.put('apiservices', '', 'v1.', { spec: { service: null } });
  api.core.put('customresourcedefinitions', '', 'crd', {
    spec: { conversion: { strategy: 'Webhook', webhook: { clientConfig } } },
  });
  api.core.put('customresourcedefinitions', '', 'plain', { spec: { conversion: { strategy: 'None' } } });
  const { holders, isAll } = await see();
  expect(isAll).toBe(true);
  expect(holders.map(({ kind, name, certificates }) => [kind, name, certificates])).toEqual([
    ['ValidatingWebhookConfiguration', 'hook', [PEM]],
    ['MutatingWebhookConfiguration', 'hook', [PEM]],
    ['APIService', 'v1.metrics', [PEM]],
    ['APIService', 'v1.', []],
    ['CustomResourceDefinition', 'crd', [PEM]],
    ['CustomResourceDefinition', 'plain', []],
  ]);
});

test('reads the certificate of a signed CertificateSigningRequest', async () => {
  const { api, see } = setUp();
  api.core.put('certificatesigningrequests', '', 'signed', { status: { certificate: base64(PEM) } });
  api.core.put('certificatesigningrequests', '', 'pending', { status: {} });
  const { holders } = await see();
  expect(holders.map(({ kind, name, certificates }) => [kind, name, certificates])).toEqual([
    ['CertificateSigningRequest', 'signed', [PEM]],
    ['CertificateSigningRequest', 'pending', []],
  ]);
});

test('reads PEM and kubeconfigs in Secrets, and skips service-account tokens and Helm releases', async () => {
  const { api, see } = setUp();
  const secret = (name: string, data: Record<string, string>, type = 'Opaque'): void => {
    api.core.put('secrets', 'shop', name, { type, data });
  };
  secret('tls', { 'tls.crt': base64(PEM), 'tls.key': base64('key') }, 'kubernetes.io/tls');
  const lines = [
    `certificate-authority-data: ${base64(PEM)}`,
    `    client-certificate-data: "${base64(OTHER)}"`,
    '    client-key-data: a2V5',
  ];
  secret('kubeconfig', { value: base64(`apiVersion: v1\n${lines.join('\n')}\n`) });
  secret('other', { password: base64('certificate') });
  secret('large', { blob: base64(PEM.repeat(10_000)) });
  secret('token', { 'ca.crt': base64(PEM) }, 'kubernetes.io/service-account-token');
  secret('release', { release: base64(PEM) }, 'helm.sh/release.v1');
  const { holders } = await see();
  expect(holders.map(({ namespace, name, certificates }) => [namespace, name, certificates])).toEqual([
    ['shop', 'tls', [PEM]],
    ['shop', 'kubeconfig', [PEM, OTHER]],
    ['shop', 'other', []],
    ['shop', 'large', []],
  ]);
});

test('reads which host paths a pod mounts, and when it has started', async () => {
  const { api, see } = setUp();
  const volumes = [{ hostPath: { path: '/etc/kubernetes' } }, { secret: { secretName: 'x' } }];
  api.core.put('pods', 'a', 'runs', { spec: { volumes }, status: { startTime: '2026-11-28T11:00:00Z' } });
  api.core.put('pods', 'a', 'waits', { spec: {}, status: { phase: 'Pending' } });
  api.core.put('pods', 'a', 'ended', { spec: { volumes }, status: { phase: 'Failed' } });
  expect((await see()).holders).toMatchObject([
    { name: 'runs', hostPaths: ['/etc/kubernetes'], startedAt: Date.parse('2026-11-28T11:00:00Z') },
    { name: 'waits', hostPaths: [], startedAt: undefined },
  ]);
});

test('reads a long list in pages, up to its limit', async () => {
  const { api, see } = setUp();
  for (let index = 0; index < 5001; index += 1) api.core.put('secrets', 'a', `s${index}`, { data: {} });
  const { holders, isAll } = await see();
  expect([holders.length, isAll]).toEqual([5000, false]);
  const lists = api.asked.filter(({ path }) => path.startsWith('/api/v1/secrets'));
  expect(lists).toHaveLength(250);
});

test('continues past an unknown kind, an expired continue token and a malformed object', async () => {
  const { api, see } = setUp();
  for (let index = 0; index < 21; index += 1) api.core.put('secrets', 'a', `s${index}`, { data: {} });
  api.core.put('secrets', 'a', 's3', { data: 7 });
  api.core.put('pods', 'a', 'runs', {});
  api.instead = ({ path }) => {
    if (path.includes('/apiservices')) return { status: 404 };
    return path.includes('continue=') ? { status: 410 } : undefined;
  };
  const { holders, isAll } = await see();
  expect(isAll).toBe(false);
  expect(holders.filter(({ kind }) => kind === 'Secret')).toHaveLength(19);
  expect(holders.at(-1)).toMatchObject({ kind: 'Pod', name: 'runs' });
});

test('throws an API error that leaves the answer unknown', async () => {
  const { api, see } = setUp();
  api.instead = () => ({ status: 403 });
  expect(await agentErrorOf(see())).toMatchObject({ code: 'cloud-refused' });
});
