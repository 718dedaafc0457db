import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { at } from '../cloud/exchange.ts';
import type { LayoutName, TestNode } from '../fakes/node.ts';
import { jsonObject, listIn } from '../src/support/fixtures.ts';
import { isSignedBy } from './support/certificates.ts';
import { exampleLayout } from './support/example-layout.ts';
import { startPhasedCloud } from './support/phased-cloud.ts';
import { createSite, type Role, type Site } from './support/site.ts';

/** The phases of a CA rotation with kubeconfigs that embed certificates, and with kubeconfigs that name files. */

const { cloud, rotateCa, answer } = await startPhasedCloud();

type Paths = { ca: string; certificate: string; key: string };
/** A kubeconfig of a layout, and the files with its content: the layout's own, or others beside them. */
type Kubeconfig = { path: string } & Paths;

const CERTS = '/etc/kubernetes/certs';
const PKI = '/etc/kubernetes/pki';
const pair = (ca: string, stem: string): Paths => ({ ca, certificate: `${stem}.crt`, key: `${stem}.key` });

type Case = { layout: LayoutName; role: Role; kubeconfigs: readonly Kubeconfig[] };
const CASES: readonly Case[] = [
  {
    layout: 'kubernetes-certs',
    role: 'master',
    kubeconfigs: [
      { path: '/etc/kubernetes/kubelet-config.yaml', ...pair(`${CERTS}/ca.crt`, `${CERTS}/kubelet`) },
      { path: '/etc/kubernetes/admin.conf', ...pair(`${CERTS}/ca.crt`, `${CERTS}/admin`) },
    ],
  },
  {
    layout: 'kubernetes-certs',
    role: 'worker',
    kubeconfigs: [
      { path: '/etc/kubernetes/kubelet-config.yaml', ...pair(`${CERTS}/ca.crt`, `${CERTS}/kubelet`) },
      { path: '/etc/kubernetes/proxy-config.yaml', ...pair(`${CERTS}/ca.crt`, `${CERTS}/proxy`) },
    ],
  },
  {
    layout: 'kubernetes-pki',
    role: 'master',
    kubeconfigs: ['admin', 'kubelet'].map((name) => ({
      path: `/etc/kubernetes/${name}.conf`,
      ...pair(`${PKI}/ca.crt`, `${PKI}/server`),
    })),
  },
  {
    layout: 'kubeadm',
    role: 'master',
    kubeconfigs: [
      // Certificates that only kubeconfigs contain in this layout.
      { path: '/etc/kubernetes/admin.conf', ...pair(`${PKI}/ca.crt`, '/etc/kubernetes/users/admin') },
      { path: '/etc/kubernetes/scheduler.conf', ...pair(`${PKI}/ca.crt`, '/srv/users/scheduler') },
    ],
  },
  { layout: 'kubeadm', role: 'worker', kubeconfigs: [] },
  { layout: 'swarm', role: 'master', kubeconfigs: [] },
  {
    layout: 'registry',
    role: 'master',
    kubeconfigs: [
      { path: '/etc/registry/kubeconfig', ...pair('/etc/registry/tls/ca.crt', '/etc/registry/tls/server') },
    ],
  },
];
/** Magnum's scripts append (`cat >>`): a script that ran twice leaves every key twice. */
const STYLES = ['that embed', 'by path', 'by relative path', 'that embed twice', 'by path twice'] as const;

async function createPhasedSite({ layout, role }: Case): Promise<Site> {
  const site = await createSite(cloud, {
    role,
    layout,
    bare: true,
    server: { inputs: { phase: 'phase' } },
    params:
      layout === 'swarm'
        ? { SWARM_NODE_IP: '10.0.0.7', SWARM_API_IP: '10.0.0.8', API_IP_ADDRESS: '10.0.0.9' }
        : {},
  });
  if (layout === 'registry')
    await site.node.write('/etc/coe-agent/layouts.d/registry.yaml', exampleLayout('registry'));
  // An etcd CA of its own: optional rows are made if files exist.
  if (layout === 'kubeadm')
    for (const stem of ['server', 'peer', 'healthcheck-client'])
      await site.node.write(`${PKI}/etcd/${stem}.crt`, 'none yet');
  await rotateCa(site, 'all');
  await site.pass();
  expect(site.signals().at(-1)?.body).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  await cloud.settled(site.cluster);
  return site;
}

const readIfThere = async (node: TestNode, path: string): Promise<string | undefined> =>
  await node.read(path).catch(() => undefined);

/** Writes a kubeconfig in a style, with its present content, or with the content of its files. */
async function write(node: TestNode, kubeconfig: Kubeconfig, style: string): Promise<void> {
  const { path } = kubeconfig;
  const before = await readIfThere(node, path);
  const now = before === undefined ? undefined : await leadsTo(node, path);
  const [ca, certificate, key] = await Promise.all(
    (['ca', 'certificate', 'key'] as const).map(async (part) => {
      const content = (await readIfThere(node, kubeconfig[part])) ?? now?.[part] ?? '';
      if (style.startsWith('that embed')) return ['-data', Buffer.from(content).toString('base64')];
      await node.write(kubeconfig[part], content);
      const name = kubeconfig[part];
      return ['', style.startsWith('by path') ? name : name.replace(`${dirname(path)}/`, '')];
    }),
  );
  const text = `clusters: [{ name: k1, cluster: { certificate-authority${ca?.join(': ')} } }]
users: [{ name: u, user: { client-certificate${certificate?.join(': ')}, client-key${key?.join(': ')} } }]
contexts: [{ name: c, context: { cluster: k1, user: u } }]
current-context: c
`;
  await node.write(path, style.endsWith('twice') ? text + text : text);
}

/** The certificate, key and CA that kubectl uses from a kubeconfig, in PEM. */
async function leadsTo(node: TestNode, path: string): Promise<Paths> {
  const config = jsonObject(JSON.stringify(parse(await node.read(path), { uniqueKeys: false })));
  const read = async (list: string, part: string, field: string): Promise<string> => {
    const entry = at(listIn(config, list)[0], part);
    const data = at(entry, `${field}-data`);
    if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8');
    return await node.read(resolve(dirname(path), String(at(entry, field))));
  };
  return {
    ca: await read('clusters', 'cluster', 'certificate-authority'),
    certificate: await read('users', 'user', 'client-certificate'),
    key: await read('users', 'user', 'client-key'),
  };
}

const casIn = (text: string): string[] =>
  (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (pem) => new X509Certificate(pem).fingerprint256,
  );
const idsOf = (...pems: (string | undefined)[]): string[] => pems.flatMap((pem) => casIn(pem ?? ''));

test.each(
  CASES.flatMap((one) =>
    (one.kubeconfigs.length > 0 ? STYLES : STYLES.slice(0, 1)).map((style) => ({ ...one, style })),
  ),
)(
  'takes a $role of the layout $layout with kubeconfigs $style through trust, reissue and retire',
  async (one) => {
    const site = await createPhasedSite(one);
    const { node, cluster } = site;
    const { kubeconfigs, style } = one;
    for (const kubeconfig of kubeconfigs) await write(node, kubeconfig, style);
    const each = async (check: (now: Paths, path: string) => void): Promise<void> => {
      for (const { path } of kubeconfigs) {
        check(await leadsTo(node, path), path);
        const text = await node.read(path);
        const [first, second] = [text.slice(0, text.length / 2), text.slice(text.length / 2)];
        if (style.endsWith('twice')) expect(second, path).toBe(first);
      }
    };
    const done = { deploy_status_code: 0, deploy_stderr: '' };

    await rotateCa(site, 'trust');
    expect(await answer(site)).toMatchObject(done);
    const old = cluster.previousCa?.kubernetes ?? '';
    await each(({ ca, certificate }, path) => {
      expect(casIn(ca), path).toEqual(idsOf(old, cluster.ca.kubernetes));
      expect(isSignedBy(new X509Certificate(certificate), old), path).toBe(true);
    });

    cluster.stack.update({ phase: 'reissue' });
    expect(await answer(site)).toMatchObject(done);
    const isNewPair = ({ certificate, key }: Paths, path: string): void => {
      const leaf = new X509Certificate(certificate);
      expect(isSignedBy(leaf, cluster.ca.kubernetes), path).toBe(true);
      expect(createPublicKey(createPrivateKey(key)).equals(leaf.publicKey), path).toBe(true);
    };
    await each(isNewPair);

    cluster.stack.update({ phase: 'retire' });
    expect(await answer(site)).toMatchObject(done);
    await each((now, path) => {
      expect(casIn(now.ca), path).toEqual(idsOf(cluster.ca.kubernetes));
      isNewPair(now, path);
    });
    const certs = await node.agent('certs');
    expect(certs.code, certs.stdout).toBe(0);
  },
);
