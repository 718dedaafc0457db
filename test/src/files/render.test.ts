import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Material } from '../../../src/certificates/issue.ts';
import { kubernetesCerts } from '../../../src/certificates/layouts/kubernetes-certs.ts';
import { kubernetesPki } from '../../../src/certificates/layouts/kubernetes-pki.ts';
import type { RoleLayout } from '../../../src/certificates/layout.ts';
import type { PossibleCopy } from '../../../src/files/candidates.ts';
import type { ManagedFile } from '../../../src/files/managed-file.ts';
import { renderFiles, renderServiceAccount } from '../../../src/files/render.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const b64 = (text: string): string => Buffer.from(text).toString('base64');

/** Makes material for everything that a role names; each text names its item. */
const materialFor = (role: RoleLayout): Material => ({
  authorities: new Map(role.authorities.map(({ ca }) => [ca, `CA ${ca}`])),
  certificates: new Map(
    role.certificates.map(({ name }) => [name, { certificate: `cert ${name}`, key: `key ${name}` }]),
  ),
});

const copyOf = (text: string | undefined): PossibleCopy | undefined =>
  text === undefined ? undefined : { text, isDer: false, id: `file ${text.length}`, isTrusted: true };

async function render(
  role: RoleLayout,
  there: Record<string, string> = {},
  material = materialFor(role),
): Promise<Map<string, ManagedFile>> {
  const files = await renderFiles(
    role,
    { ...material, trusted: material.authorities },
    {
      clusterName: 'k1',
      read: async (path) => await Promise.resolve(copyOf(there[path])),
      fill: (text) => text.replaceAll(/\{(\w+)(?:\|\w+)?\}/g, '<$1>'),
      recognize: () => undefined,
      readCopy: async (path) => await Promise.resolve(copyOf(there[path])),
      passOver: () => undefined,
      candidates: [],
    },
  );
  return new Map(files.map((file) => [file.path, file]));
}

test('renders every CA, key and certificate of the layout, each key before its certificate', async () => {
  const role = kubernetesCerts.roles.master;
  const files = await render(role);
  expect(files.get('/etc/etcd/certs/ca.crt')?.content).toBe('CA etcd');
  expect(files.get('/etc/kubernetes/certs/front-proxy/admin.crt')).toMatchObject({
    content: 'cert front-proxy-admin',
    owner: 'kube',
    group: 'kube_etcd',
    mode: 0o440,
  });
  expect(files.size).toBe(role.authorities.length + 2 * role.certificates.length);
  const order = [...files.keys()];
  for (const { files: row } of role.certificates)
    expect(order.indexOf(row?.key.path ?? '')).toBe(order.indexOf(row?.certificate.path ?? '') - 1);
});

test('renders service-account keys where the layout places them, on masters only', () => {
  const pair = { publicKeys: 'sa public', privateKey: 'sa private' };
  expect(renderServiceAccount(kubernetesCerts.roles.master, pair)).toMatchObject([
    { path: '/etc/kubernetes/certs/service_account_private.key', content: 'sa private', mode: 0o440 },
    { path: '/etc/kubernetes/certs/service_account.key', content: 'sa public' },
  ]);
  expect(renderServiceAccount(kubernetesCerts.roles.worker, pair)).toEqual([]);
});

test('creates a missing kubeconfig if the layout says so, and renews an existing one', async () => {
  const current = `clusters: [{ name: c, cluster: { certificate-authority-data: ${b64('old')} } }]
contexts: [{ name: x, context: { cluster: c, user: u } }]
current-context: x # mine
users: [{ name: u, user: { client-certificate-data: ${b64('old')}, client-key-data: ${b64('old')} } }]
`;
  const worker = await render(kubernetesPki.roles.worker);
  expect(worker.has('/etc/kubernetes/admin.conf')).toBe(false);
  expect(parse(String(worker.get('/etc/kubernetes/kubelet.conf')?.content))).toMatchObject({
    clusters: [{ name: 'k1', cluster: { 'certificate-authority-data': b64('CA kubernetes') } }],
    users: [{ name: 'system:node:<INSTANCE_NAME>', user: { 'client-key-data': b64('key server') } }],
  });

  const there = await render(kubernetesPki.roles.worker, { '/etc/kubernetes/admin.conf': current });
  const renewed = there.get('/etc/kubernetes/admin.conf')?.content ?? '';
  expect(renewed).toContain('current-context: x # mine');
  expect(renewed).toContain(b64('cert server'));
  expect(renewed).not.toContain(b64('old'));
});

test('rejects a layout that names material that was not issued', async () => {
  const role = kubernetesCerts.roles.worker;
  const material = { ...materialFor(role), certificates: new Map() };
  expect(await agentErrorOf(render(role, {}, material))).toMatchObject({ code: 'config' });
});

test('gives signers a file with one CA: the current one while certificates stay, then the new one', async () => {
  const { authorities, ...rest } = kubernetesCerts.roles.worker;
  const signer = { path: '/s.crt', owner: 'root', group: 'root', mode: 0o644, directoryMode: 0o755 };
  const role = {
    ...rest,
    authorities: [...authorities, { ca: 'kubernetes', file: signer, single: true }],
  } as const;
  const material = materialFor(role);
  const trusted = new Map([['kubernetes', 'old CA, new CA'] as const]);
  const hands = {
    clusterName: 'k1',
    read: async () => await Promise.resolve(undefined),
    fill: String,
    recognize: () => undefined,
    readCopy: async () => await Promise.resolve(undefined),
    passOver: () => undefined,
    candidates: [],
  };
  const contents = async (certificates: Material['certificates'] | undefined) => {
    const files = await renderFiles(role, { ...material, trusted, certificates }, hands);
    return Object.fromEntries(files.map(({ path, content }) => [path, content]));
  };
  expect(await contents(undefined)).toEqual({ '/etc/kubernetes/certs/ca.crt': 'old CA, new CA' });
  expect(await contents(material.certificates)).toMatchObject({
    '/etc/kubernetes/certs/ca.crt': 'old CA, new CA',
    '/s.crt': 'CA kubernetes',
  });
});
