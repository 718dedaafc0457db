import { expect, test } from 'vitest';
import { findLoginObjects } from '../../../agent/inspection/login-objects.ts';
import type { KnownLogins } from '../../../agent/inspection/login-places.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { Role } from '../../../src/certificates/layout.ts';
import type { CredentialSet } from '../../../src/files/credential-file.ts';
import { createHands } from '../../fakes/hands.ts';
import { createKubernetes, type Kubernetes } from '../../fakes/kubernetes.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { networkOf } from '../support/network.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const OWN: CredentialSet = {
  user: 'user-own-1',
  userName: '',
  domain: '',
  password: 'password-own-1',
  trust: 'trust-own-1',
  region: 'R',
  authUrl: 'http://k/v3',
};
const FORMER: CredentialSet = { ...OWN, password: 'password-former-1', trust: 'trust-former-1' };
const KNOWN: KnownLogins = { own: OWN, former: FORMER };
const FILE = '/etc/kubernetes/cloud-config';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const ini = ({ user, password, trust }: CredentialSet): string =>
  `[Global]\nuser-id=${user}\npassword=${password}\ntrust-id=${trust}\nregion=R\n`;
const secret = (api: Kubernetes, name: string, data: Record<string, string>): void => {
  api.core.put('secrets', 'shop', name, {
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, base64(text)])),
  });
};

/** Searches this API from a master. */
async function find(
  api: Kubernetes,
  { role = 'master', abort = NEVER }: { role?: Role; abort?: AbortSignal } = {},
) {
  const network = networkOf({ '127.0.0.1:6443': { presents: '', ask: api.askAs('system:masters') } });
  const made = await createHands({ over: { openKubernetes: network.openKubernetes } });
  const node = nodeOf(role);
  await writeCertificates(node, made, newGeneration());
  const found = await findLoginObjects(node, KNOWN, [FILE], made.hands, abort);
  return { found, network };
}
const placesOf = async (api: Kubernetes) => {
  const { found } = await find(api);
  return found.api === 'answers' ? found.places.map(({ of, whose, trust }) => [of, whose, trust]) : found;
};

test('a worker does not search: it may read no Secret', async () => {
  const { found, network } = await find(createKubernetes(), { role: 'worker' });
  expect(found).toEqual({ api: 'no-master' });
  expect(network.opened).toEqual([]);
});

test('tells whose the login of an object is', async () => {
  const api = createKubernetes();
  secret(api, 'a-own', { conf: ini(OWN) });
  secret(api, 'b-former', { conf: ini(FORMER) });
  secret(api, 'c-another', { conf: ini({ ...OWN, user: 'u', trust: 't-1', password: 'p-1' }) });
  secret(api, 'd-alone', { 'os-trustID': OWN.trust, 'os-trusteeID': OWN.user });
  secret(api, 'e-odd', { xml: `<t>${OWN.password}</t>` });
  secret(api, 'f-odd-former', { xml: `<t>${FORMER.trust}</t>` });
  secret(api, 'g-none', { text: 'hello' });
  expect(await placesOf(api)).toEqual([
    ['shop/a-own', 'node', OWN.trust],
    ['shop/b-former', 'former', FORMER.trust],
    ['shop/c-another', 'another', 't-1'],
    ['shop/d-alone', 'node', OWN.trust],
    ['shop/e-odd', 'unknown', undefined],
    ['shop/f-odd-former', 'unknown', undefined],
  ]);
});

test('lists each login of an object with several', async () => {
  const api = createKubernetes();
  secret(api, 'two', { a: ini(OWN), b: ini(FORMER) });
  expect(await placesOf(api)).toEqual([
    ['shop/two', 'node', OWN.trust],
    ['shop/two', 'former', FORMER.trust],
  ]);
});

test('a user alone, without password and trust, is no login', async () => {
  const api = createKubernetes();
  secret(api, 'user', { conf: `[Global]\nuser-id=${OWN.user}\nregion=R\n` });
  expect(await placesOf(api)).toEqual([]);
});

test('names the workloads that read an object in its own namespace', async () => {
  const api = createKubernetes();
  api.core.put('configmaps', 'shop', 'login', { data: { conf: ini(OWN) } });
  const volumes = [{ name: 'x', configMap: { name: 'login' } }];
  api.add('deployments', 'shop', 'reader', {}, { volumes });
  api.add('deployments', 'other', 'same-name', {}, { volumes });
  const { found } = await find(api);
  expect(found).toMatchObject({
    places: [{ kind: 'configmap', of: 'shop/login', readers: ['deployment shop/reader'] }],
  });
});

const mounting = (path: string) => ({ volumes: [{ name: 'h', hostPath: { path } }] });

test('names the workloads that mount a file of the node, with the mounted path', async () => {
  const api = createKubernetes();
  api.add('daemonsets', 'shop', 'file', {}, mounting(FILE));
  api.add('daemonsets', 'shop', 'folder', {}, mounting('/etc/kubernetes'));
  api.add('daemonsets', 'shop', 'elsewhere', {}, mounting('/var/log'));
  const { found } = await find(api);
  expect(found).toMatchObject({
    hostPaths: [
      { workload: 'daemonset shop/file', paths: [FILE] },
      { workload: 'daemonset shop/folder', paths: ['/etc/kubernetes'] },
    ],
  });
});

test('names a pod that reads a login and that nothing replaces', async () => {
  const api = createKubernetes();
  secret(api, 'login', { conf: ini(OWN) });
  secret(api, 'none', { text: 'hello' });
  for (const secretName of ['login', 'none'])
    api.core.put('pods', 'shop', `of-${secretName}`, {
      spec: { volumes: [{ name: 'x', secret: { secretName } }], containers: [] },
      status: { phase: 'Running' },
    });
  expect((await find(api)).found).toMatchObject({ lonePods: ['pod shop/of-login'] });
});

test.each([
  ['is overloaded', () => ({ status: 503, text: 'away' })],
  ['forbids the request', () => ({ status: 403, body: { kind: 'Status', message: 'forbidden' } })],
])('reports an API that %s, and closes the connection', async (_, instead) => {
  const api = createKubernetes();
  api.instead = instead;
  const { found, network } = await find(api);
  expect(found.api).toBe('silent');
  expect(network.opened).toHaveLength(1);
  expect(network.open()).toBe(0);
});

test('stops with the program', async () => {
  expect(await faultIn(find(createKubernetes(), { abort: AbortSignal.abort() }))).toMatchObject({
    code: 'aborted',
  });
});

test('hides no fault of its own', async () => {
  const made = await createHands({
    over: {
      openKubernetes: () => ({
        ask: async () => await Promise.reject(new TypeError('a bug')),
        close: () => undefined,
      }),
    },
  });
  const node = nodeOf('master');
  await writeCertificates(node, made, newGeneration());
  const found = findLoginObjects(node, KNOWN, [], made.hands, NEVER);
  await expect(found).rejects.not.toBeInstanceOf(AgentError);
});
