import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Disk } from '../../src/base/disk.ts';
import { AgentError } from '../../src/base/errors.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { createCa } from '../src/support/openssl.ts';
import { cli } from './support/cli.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';
import { noticesIn } from './support/notices.ts';

/** Kubeconfigs and copies that the layout does not name, which are found by content. */

const cloud = await cloudForFile();

const CERTS = '/etc/kubernetes/certs';
const b64 = (text: string): string => Buffer.from(text).toString('base64');

/** The present files of a master in make-cert.sh's layout that a rotation replaces. */
async function holds(site: Site) {
  const read = async (path: string): Promise<string> => await site.node.read(path);
  return {
    ca: await read(`${CERTS}/ca.crt`),
    etcdCa: await read('/etc/etcd/certs/ca.crt'),
    admin: { cert: await read(`${CERTS}/admin.crt`), key: await read(`${CERTS}/admin.key`) },
    kubelet: { cert: await read(`${CERTS}/kubelet.crt`), key: await read(`${CERTS}/kubelet.key`) },
  };
}
type Holds = Awaited<ReturnType<typeof holds>>;

const stranger = b64('-----BEGIN CERTIFICATE-----\nsomebody else\n-----END CERTIFICATE-----\n').padEnd(
  80,
  'A',
);

/** Two documents, several users and contexts, comments, CRLF; no current context. */
const kubeconfig = ({ ca, etcdCa, admin, kubelet }: Holds): string =>
  `# written by hand, twice\r
apiVersion: v1\r
kind: Config\r
clusters:\r
- name: k1 # ours\r
  cluster: {server: "https://10.0.0.4:6443", certificate-authority-data: ${b64(ca)}}\r
- name: etcd\r
  cluster: {certificate-authority-data: "${b64(etcdCa)}"}\r
- name: other\r
  cluster: {certificate-authority-data: ${stranger}}\r
users:\r
- name: root\r
  user: {client-certificate-data: ${b64(admin.cert)}, client-key-data: ${b64(admin.key)}}\r
- name: node\r
  user: {client-certificate-data: ${b64(kubelet.cert)}, client-key-data: '${b64(kubelet.key)}'}\r
- name: token\r
  user: {token: abc}\r
---\r
{"kind": "Config", "users": [{"name": "mixed", "user": {"client-certificate-data": "${b64(admin.cert)}", "client-key": "certs/admin.key"}}], "clusters": []}\r
`;

const byPath = `clusters: [{ name: k1, cluster: { certificate-authority: copies/ca-and-others.txt } }]
users:
- name: a
  user: { client-certificate: /srv/copies/admin.cert, client-key: /srv/copies/admin.secret }
- name: b
  user: { client-certificate: /srv/copies/only.cert, client-key: /srv/copies/foreign.secret }
`;

const rotate = async (site: Site): Promise<string> => {
  await cloud.rotateCa(site.cluster);
  const { settled } = await site.pass();
  return settled.map(({ outcome }) => outcome.stderr).join('');
};

test('replaces every copy in any file and entry, and keeps every other byte', async () => {
  const site = await createSite(cloud, { role: 'master', layout: 'kubernetes-certs' });
  const { node } = site;
  const [before, foreign] = [await holds(site), (await createCa()).pem];
  const files = (of: Holds): Record<string, string> => ({
    '/etc/kubernetes/tools.yaml': kubeconfig(of),
    // A bundle: one CA is replaced, the other stays. And a copy of an appended file: the second is not added again.
    '/etc/kubernetes/trust.pem': `# who is trusted\n${foreign}${of.ca}# end\n`,
    '/etc/kubernetes/copies/ca-and-others.txt': `${of.ca}${foreign}`,
    '/srv/copies/admin.cert': of.admin.cert,
    '/srv/copies/admin.secret': of.admin.key,
  });
  for (const [path, text] of Object.entries(files(before))) await node.write(path, text);
  await node.write('/etc/kubernetes/twice.crt', `${before.ca}${before.ca}`);
  await node.write('/etc/kubernetes/by-path.conf', byPath);
  const others: Record<string, string> = {
    '/etc/kubernetes/by-path.conf': byPath,
    '/srv/copies/only.cert': foreign,
    // Outside of the layout's directories, and not named by any file.
    '/srv/elsewhere.conf': kubeconfig(before),
    '/etc/kubernetes/kubelet-config.yaml':
      'kind: KubeletConfiguration\nauthentication: { x509: { clientCAFile: x } }\n',
    '/etc/kubernetes/broken.conf': 'clusters: [\n client-certificate: nothing of ours\n',
    '/etc/kubernetes/large.conf': `# ${'x'.repeat(1024 * 1024)}\n${kubeconfig(before)}`,
    '/etc/kubernetes/foreign.pem': foreign,
  };
  for (const [path, text] of Object.entries(others)) await node.write(path, text);
  await symlink('tools.yaml', join(node.root, '/etc/kubernetes/link.conf'));
  const paths = await cli(site, ['unit-paths']);
  expect(paths.stdout).toContain('ReadWritePaths=-/etc/kubernetes\nReadWritePaths=-/etc/rexray\n');
  expect(paths.stdout).toContain('ReadWritePaths=-/srv/copies\n');

  await cloud.rotateCa(site.cluster);
  const { stdout } = await cli(site, ['plan']);
  for (const path of Object.keys(files(before))) expect(stdout).toContain(`${path}\n`);
  for (const path of Object.keys(others)) expect(stdout).not.toContain(path);
  const { settled } = await site.pass();
  expect(settled.map(({ outcome }) => outcome.stderr)).toEqual(['']);
  const after = await holds(site);
  expect(after.ca).not.toBe(before.ca);
  for (const [path, text] of Object.entries(files(after))) expect(await node.read(path), path).toBe(text);
  expect(await node.read('/etc/kubernetes/twice.crt')).toBe(after.ca);
  for (const [path, text] of Object.entries(others)) expect(await node.read(path), path).toBe(text);

  // A second rotation starts from the result of the first.
  expect(await rotate(site)).toBe('');
  const last = await holds(site);
  for (const [path, text] of Object.entries(files(last))) expect(await node.read(path), path).toBe(text);
});

test('restores the copies when a rotation rolls back', async () => {
  const site = await createSite(cloud, { role: 'master', layout: 'kubernetes-certs' });
  const text = kubeconfig(await holds(site));
  await site.node.write('/etc/kubernetes/tools.yaml', text);
  site.node.units.breakUnit('kubelet', 'fails to start');
  await rotate(site);
  expect(await lastError(site)).toMatchObject({ reason: 'unit-ended', node: 'unproven' });
  expect(await site.node.read('/etc/kubernetes/tools.yaml')).toBe(text);
});

test('rejects an unreadable kubeconfig with content of this node, with its position, and loses nothing', async () => {
  const site = await createSite(cloud, { role: 'master', layout: 'kubernetes-certs' });
  const before = await holds(site);
  const broken = `clusters: []\nusers:\n- user:\n    client-certificate-data: ${b64(before.admin.cert)}\n   client-key-data: x\n`;
  await site.node.write('/etc/kubernetes/broken.conf', broken);
  expect(await rotate(site)).toMatch(/\/etc\/kubernetes\/broken\.conf: line 5, column \d+: /);
  expect(await holds(site)).toEqual(before);
  expect(await site.node.read('/etc/kubernetes/broken.conf')).toBe(broken);
  expect(site.restarts()).toEqual([]);
});

test('reports unreadable files beside those of the layout, and continues', async () => {
  const unreadable = '/etc/kubernetes/unreadable.pem';
  const snapshot =
    (real: Disk): Disk['snapshot'] =>
    async (path) => {
      if (path === unreadable) throw new AgentError('disk', `reading ${path}: input/output error`);
      return await real.snapshot(path);
    };
  const site = await createSite(cloud, {
    role: 'master',
    layout: 'kubernetes-certs',
    instrument: { disk: (real) => ({ ...real, snapshot: snapshot(real) }) },
  });
  await site.node.write(unreadable, 'x');
  await symlink('round.conf', join(site.node.root, '/etc/kubernetes/and-round.conf'));
  await symlink('and-round.conf', join(site.node.root, '/etc/kubernetes/round.conf'));
  await site.node.write('/etc/kubernetes/tools.yaml', kubeconfig(await holds(site)));
  expect(await rotate(site)).toBe('');
  expect(await site.node.read('/etc/kubernetes/tools.yaml')).toBe(kubeconfig(await holds(site)));
  expect(noticesIn(site.progress)).toEqual(
    expect.arrayContaining([`file-skipped ${unreadable}`, 'file-skipped /etc/kubernetes/round.conf']),
  );
});
