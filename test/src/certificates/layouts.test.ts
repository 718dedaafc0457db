import { describe, expect, test } from 'vitest';
import { BUILT_IN, chooseLayout, roleOf } from '../../../src/certificates/choose-layout.ts';
import { applicableRows } from '../../../src/certificates/applicable-rows.ts';
import type { RoleLayout } from '../../../src/certificates/layout.ts';
import { kubeadm } from '../../../src/certificates/layouts/kubeadm.ts';
import { kubernetesCerts } from '../../../src/certificates/layouts/kubernetes-certs.ts';
import { keysOf } from '../../../src/certificates/template.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { PARAMS } from '../support/requests.ts';

const roles = BUILT_IN.flatMap(({ name, roles: table }) =>
  Object.entries(table).map(([role, layout]) => ({ title: `${name}, ${role}`, layout })),
);

const units = (layout: typeof kubernetesCerts, role: 'master' | 'worker') =>
  layout.roles[role].units.map(({ unit }) => unit);

const has =
  (...there: string[]) =>
  async (path: string): Promise<boolean> =>
    await Promise.resolve(there.includes(path));

const choose = async (wanted: string, ...there: string[]): Promise<string> =>
  (await chooseLayout(wanted, [], new Map(), has(...there))).layout.name;

const SWARM_PARAMS = { SWARM_NODE_IP: '10.0.0.7', SWARM_API_IP: '10.0.0.8', API_IP_ADDRESS: '172.24.4.8' };

describe.each(roles)('$title', ({ layout }) => {
  const names = layout.certificates.map(({ name }) => name);

  test('refers only to existing rows', () => {
    const withFiles = layout.certificates.filter(({ files }) => files).map(({ name }) => name);
    for (const { probe, health } of layout.units) {
      if (probe) expect(withFiles).toContain(probe.presents);
      if (health?.as !== undefined) expect(withFiles).toContain(health.as);
    }
    const cas = layout.authorities.map(({ ca }) => ca);
    for (const row of [...layout.certificates, ...layout.kubeconfigs]) expect(cas).toContain(row.ca);
    for (const row of layout.kubeconfigs) expect(names).toContain(row.certificate);
  });

  test('has unique names and files', () => {
    const files = [
      ...layout.authorities.map(({ file }) => file.path),
      // A certificate and its key may share a file with each other only.
      ...layout.certificates.flatMap(({ files: row }) => [
        ...new Set(row ? [row.certificate.path, row.key.path] : []),
      ]),
      ...layout.kubeconfigs.map(({ file }) => file.path),
    ];
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(files).size).toBe(files.length);
    expect(files.every((path) => /^\/(etc|var\/lib\/kubelet\/pki)\//.test(path))).toBe(true);
  });

  test('uses only values that heat-params and the node have', () => {
    const texts = layout.certificates.flatMap(({ subject, names: list }) => [
      ...list,
      ...subject.map(([, value]) => value),
    ]);
    const facts = ['HOSTNAME', 'FIRST_SERVICE_IP', 'PUBLIC_IPV4'];
    const known = [...Object.keys(PARAMS), ...Object.keys(SWARM_PARAMS), ...facts];
    for (const key of texts.flatMap(keysOf)) expect(known).toContain(key);
  });

  test('lets only owner and group read a private key', () => {
    const secret = [
      ...layout.certificates.flatMap(({ files }) => (files ? [files.key] : [])),
      ...layout.kubeconfigs.map(({ file }) => file),
    ];
    if (layout.serviceAccount) secret.push(layout.serviceAccount.privateKeyFile);
    for (const { path, mode } of secret) expect([path, mode & 0o007]).toEqual([path, 0]);
  });
});

test('gives the files of make-cert.sh its modes and owners', () => {
  const { certificates, authorities } = kubernetesCerts.roles.master;
  for (const { files } of certificates)
    for (const file of files ? [files.key, files.certificate] : [])
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

test("restarts units in the predecessor's order", () => {
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
  test('is the configured layout, whatever the node has', async () => {
    for (const { name } of BUILT_IN)
      expect(await choose(name, '/etc/kubernetes/pki', '/etc/kubernetes/certs')).toBe(name);
    expect(await agentErrorOf(choose('kubernetes'))).toMatchObject({
      code: 'config',
      reason: 'unknown-layout',
    });
  });

  test('follows from its files; a new node gets the layout of make-cert.sh', async () => {
    expect(await choose('auto', '/etc/kubernetes/pki')).toBe('kubernetes-pki');
    expect(await choose('auto', '/etc/kubernetes/certs')).toBe('kubernetes-certs');
    expect(await choose('auto')).toBe('kubernetes-certs');
  });

  test("distinguishes kubeadm's master and worker from the user guide's, which share a folder", async () => {
    const pki = '/etc/kubernetes/pki';
    expect(await choose('auto', pki, `${pki}/apiserver.crt`)).toBe('kubeadm');
    expect(await choose('auto', pki, '/var/lib/kubelet/pki/kubelet-client-current.pem')).toBe('kubeadm');
  });

  test('is recognized as swarm by heat-params, before any file exists and whatever else lies there', async () => {
    const params = new Map(Object.entries(SWARM_PARAMS));
    expect(await chooseLayout('auto', [], params, has('/etc/kubernetes/certs'))).toMatchObject({
      layout: { name: 'swarm' },
      why: 'heat-params has SWARM_NODE_IP',
    });
    expect(await choose('auto', '/etc/docker/server.crt')).toBe('swarm');
  });
});

test('treats every role but master as worker: Magnum allows custom names for worker groups', () => {
  expect(['master', 'worker', 'gpu', ''].map(roleOf)).toEqual(['master', 'worker', 'worker', 'worker']);
});

const namesOf = ({ certificates }: RoleLayout): string[] => certificates.map(({ name }) => name);

describe('rows of a layout that apply to a node', () => {
  const master = kubeadm.roles.master;

  test('omit an external etcd, and do not probe its port', async () => {
    const here = await applicableRows(master, has());
    expect(namesOf(master)).toContain('etcd-peer');
    expect(namesOf(here).filter((name) => name.startsWith('etcd-'))).toEqual([]);
    expect(here.units.find(({ unit }) => unit === 'etcd')).toMatchObject({
      probe: undefined,
      health: undefined,
    });
    expect(here.units.find(({ unit }) => unit === 'kubelet')?.probe).toBeDefined();
  });

  test('include optional certificates where their file or the embedding kubeconfig exists', async () => {
    const etcd = await applicableRows(master, has('/etc/kubernetes/pki/etcd/server.crt'));
    expect(namesOf(etcd).filter((name) => name.startsWith('etcd-'))).toEqual(['etcd-server']);
    expect(namesOf(etcd)).not.toContain('super-admin');
    const admin = await applicableRows(master, has('/etc/kubernetes/super-admin.conf'));
    expect(namesOf(admin)).toContain('super-admin');
    expect(admin.kubeconfigs.map(({ file }) => file.path)).toContain('/etc/kubernetes/super-admin.conf');
  });
});
