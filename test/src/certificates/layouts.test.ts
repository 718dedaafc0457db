import { describe, expect, test } from 'vitest';
import { chooseLayout, LAYOUT_NAMES, roleOf } from '../../../src/certificates/choose-layout.ts';
import { kubernetesCerts } from '../../../src/certificates/layouts/kubernetes-certs.ts';
import { kubernetesPki } from '../../../src/certificates/layouts/kubernetes-pki.ts';
import { keysOf } from '../../../src/certificates/template.ts';
import { PARAMS } from '../support/requests.ts';

const roles = [kubernetesCerts, kubernetesPki].flatMap(({ name, roles: table }) =>
  Object.entries(table).map(([role, layout]) => ({ title: `${name}, ${role}`, layout })),
);

const units = (layout: typeof kubernetesCerts, role: 'master' | 'worker') =>
  layout.roles[role].units.map(({ unit }) => unit);

const choose = async (wanted: (typeof LAYOUT_NAMES)[number], ...there: string[]): Promise<string> =>
  (await chooseLayout(wanted, async (path) => await Promise.resolve(there.includes(path)))).layout.name;

describe.each(roles)('$title', ({ layout }) => {
  const names = layout.certificates.map(({ name }) => name);

  test('what its tables refer to is there', () => {
    for (const { probe, health } of layout.units) {
      if (probe) expect(names).toContain(probe.presents);
      if (health?.as !== undefined) expect(names).toContain(health.as);
    }
    const cas = layout.authorities.map(({ ca }) => ca);
    for (const row of [...layout.certificates, ...layout.kubeconfigs]) expect(cas).toContain(row.ca);
    for (const row of layout.kubeconfigs) expect(names).toContain(row.certificate);
  });

  test('names and files stand there once', () => {
    const files = [
      ...layout.authorities.map(({ file }) => file),
      ...layout.certificates.flatMap(({ certificateFile, keyFile }) => [certificateFile, keyFile]),
      ...layout.kubeconfigs.map(({ file }) => file),
    ].map(({ path }) => path);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(files).size).toBe(files.length);
    expect(files.every((path) => path.startsWith('/etc/'))).toBe(true);
  });

  test('its texts use what heat-params and the node have', () => {
    const texts = layout.certificates.flatMap(({ subject, names: list }) => [
      ...list,
      ...subject.map(([, value]) => value),
    ]);
    const known = [...Object.keys(PARAMS), 'HOSTNAME', 'FIRST_SERVICE_IP'];
    for (const key of texts.flatMap(keysOf)) expect(known).toContain(key);
  });

  test('nobody but its owner and group reads a private key', () => {
    const secret = [
      ...layout.certificates.map(({ keyFile }) => keyFile),
      ...layout.kubeconfigs.map(({ file }) => file),
    ];
    if (layout.serviceAccount) secret.push(layout.serviceAccount.privateKeyFile);
    for (const { path, mode } of secret) expect([path, mode & 0o007]).toEqual([path, 0]);
  });
});

test('the files of make-cert.sh have its modes and owners', () => {
  const { certificates, authorities } = kubernetesCerts.roles.master;
  for (const { keyFile, certificateFile } of certificates)
    for (const file of [keyFile, certificateFile])
      expect(file).toMatchObject({
        mode: 0o440,
        directoryMode: 0o550,
        owner: file.path.startsWith('/etc/etcd/') ? 'etcd' : 'kube',
        group: 'kube_etcd',
      });
  expect(authorities.map(({ ca, file }) => [ca, file.path])).toEqual([
    ['kubelet', '/etc/kubernetes/certs/ca.crt'],
    ['etcd', '/etc/etcd/certs/ca.crt'],
    ['front-proxy', '/etc/kubernetes/certs/front-proxy/ca.crt'],
  ]);
});

test('the units restart in the order of the predecessor', () => {
  expect(units(kubernetesCerts, 'master')).toEqual([
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kube-scheduler',
    'kubelet',
    'kube-proxy',
  ]);
  expect(units(kubernetesCerts, 'worker')).toEqual(['kubelet', 'kube-proxy']);
});

describe('the layout of a node', () => {
  test('is the configured one, whatever the node has', async () => {
    for (const name of LAYOUT_NAMES)
      if (name !== 'auto')
        expect(await choose(name, '/etc/kubernetes/pki', '/etc/kubernetes/certs')).toBe(name);
  });

  test('is seen from what it has; a new node gets that of make-cert.sh', async () => {
    expect(await choose('auto', '/etc/kubernetes/pki')).toBe('kubernetes-pki');
    expect(await choose('auto', '/etc/kubernetes/certs')).toBe('kubernetes-certs');
    expect(await choose('auto')).toBe('kubernetes-certs');
  });
});

test('whatever is not master is a worker: Magnum knows own names for worker groups', () => {
  expect(['master', 'worker', 'gpu', ''].map(roleOf)).toEqual(['master', 'worker', 'worker', 'worker']);
});
