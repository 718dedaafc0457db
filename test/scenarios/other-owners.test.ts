import { execFile } from 'node:child_process';
import { existsSync, renameSync, symlinkSync } from 'node:fs';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Instrument } from '../../agent/compose.ts';
import type { Disk } from '../../src/base/disk.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { cli } from './support/cli.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';
import { noticesIn } from './support/notices.ts';

/**
 * The directory of etcd's certificates belongs to etcd, which changes it at the worst moment.
 * test/e2e/other-users.test.ts uses a process of that user.
 */

const cloud = await cloudForFile();

const ETCD = '/etc/etcd/certs';
const CERTS = '/etc/kubernetes/certs';
const PLANTED = `${ETCD}/planted.yaml`;
const MANIFEST = '/etc/kubernetes/manifests/x.yaml';

const b64 = (text: string): string => Buffer.from(text).toString('base64');

/** A Pod that is also a kubeconfig: each reader ignores the other's keys. */
const podWith = (certificate: string, key: string): string => `apiVersion: v1
kind: Pod
metadata: { name: x, namespace: kube-system }
spec: { hostPID: true, containers: [{ name: x, image: x, securityContext: { privileged: true } }] }
clusters: []
users:
- name: u
  user: { client-certificate-data: ${b64(certificate)}, client-key-data: ${b64(key)} }
`;

/** Makes a master whose etcd directory others can write, also where the test cannot change its owner. */
async function master(instrument: Instrument = {}): Promise<Site> {
  const site = await createSite(cloud, { role: 'master', instrument });
  await chmod(join(site.node.root, ETCD), 0o777);
  await mkdir(join(site.node.root, '/etc/kubernetes/manifests'), { recursive: true });
  return site;
}

async function rotate(site: Site): Promise<{ stderr: string; notices: string[] }> {
  await cloud.rotateCa(site.cluster);
  await site.pass();
  const { body } = site.signals().at(-1) ?? {};
  return { stderr: String(body?.['deploy_stderr']), notices: noticesIn(site.progress) };
}

/** Puts a symlink over a file of the node, as rename(2) does. */
function replaceByLink(site: Site, path: string, target: string): void {
  const at = join(site.node.root, path);
  symlinkSync(target, `${at}.link`);
  renameSync(`${at}.link`, at);
}

/** Lets the owner of the directory act after the n-th read of a file. */
function afterRead(path: string, nth: number, act: () => void): Instrument {
  let reads = 0;
  const noted =
    <T>(read: (path: string) => Promise<T>) =>
    async (one: string): Promise<T> => {
      const result = await read(one);
      if (one === path && ++reads === nth) act();
      return result;
    };
  const around = (real: Disk): Disk => ({ ...real, read: noted(real.read), snapshot: noted(real.snapshot) });
  return { disk: around };
}

test.each([1, 2, 3, 4])(
  'does not follow a symlink that replaces a kubeconfig after its reading (%i) to a file of root',
  async (nth) => {
    let acts: (() => void) | undefined;
    const site = await master(afterRead(PLANTED, nth, () => acts?.()));
    const own = async (name: string): Promise<string> => await site.node.read(`${ETCD}/${name}`);
    await site.node.write(PLANTED, podWith(await own('admin.crt'), await own('admin.key')), 0o644);
    acts = () => {
      replaceByLink(site, PLANTED, MANIFEST);
    };
    await rotate(site);
    expect(existsSync(join(site.node.root, MANIFEST))).toBe(false);
  },
);

test("does not write through a symlink in another user's directory in place of a layout file", async () => {
  const site = await master();
  await site.node.write('/root/secret', 'for root alone');
  replaceByLink(site, `${ETCD}/admin.crt`, '/root/secret');
  const { stderr } = await rotate(site);
  expect(await site.node.read('/root/secret')).toBe('for root alone');
  expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'disk' });
  expect(stderr).toContain(` ${ETCD}/admin.crt: `);
  expect(site.restarts()).toEqual([]);
});

test('replaces a symlink itself when the old files are restored', async () => {
  let site: Site | undefined;
  const instrument: Instrument = {
    disk: (real) => ({
      ...real,
      rename: async (from, to) => {
        await real.rename(from, to);
        if (site && from.endsWith('.coe-agent') && to === `${ETCD}/admin.crt`)
          replaceByLink(site, to, '/root/secret');
      },
    }),
  };
  const made = await master(instrument);
  site = made;
  await made.node.write('/root/secret', 'for root alone');
  made.node.units.breakUnit('kubelet', 'fails to start');
  const before = await made.node.read(`${ETCD}/admin.key`);
  await rotate(made);
  expect(await made.node.read('/root/secret')).toBe('for root alone');
  expect(await made.node.read(`${ETCD}/admin.key`)).toBe(before);
});

test.each([
  ['planning has read', 1, undefined],
  ['staging has read', 2, 'file-exchanged'],
])('does not overwrite a file that replaces one that %s', async (_, nth, reason) => {
  const path = '/etc/kubernetes/tools.yaml';
  let acts: (() => void) | undefined;
  const site = await createSite(cloud, {
    role: 'master',
    instrument: afterRead(path, nth, () => {
      acts?.();
    }),
  });
  const { node } = site;
  await node.write(
    path,
    podWith(await node.read(`${CERTS}/admin.crt`), await node.read(`${CERTS}/admin.key`)),
  );
  await node.write('/etc/kubernetes/other', 'edited meanwhile');
  const before = await site.files(CERTS);
  acts = () => {
    renameSync(join(node.root, '/etc/kubernetes/other'), join(node.root, path));
  };
  await rotate(site);
  expect(await node.read(path)).toBe('edited meanwhile');
  expect((await lastError(site))?.reason).toBe(reason);
  // All or nothing.
  if (reason !== undefined) expect(await site.files(CERTS)).toEqual(before);
});

test('writes a new key only in place of the old key, because anyone can plant a public certificate', async () => {
  const site = await master();
  const certificate = await site.node.read(`${CERTS}/admin.crt`);
  const planted = podWith(certificate, 'no key of ours');
  await site.node.write(PLANTED, planted, 0o644);
  await site.node.write('/etc/kubernetes/readable.conf', planted, 0o644);
  await rotate(site);
  const key = b64(await site.node.read(`${CERTS}/admin.key`));
  for (const path of [PLANTED, '/etc/kubernetes/readable.conf'])
    expect(await site.node.read(path), path).not.toContain(key);
});

test("ignores links, pipes and other users' files beside another user's files", async () => {
  const site = await master();
  const { node } = site;
  const copy = podWith(await node.read(`${CERTS}/admin.crt`), await node.read(`${CERTS}/admin.key`));
  await node.write('/etc/kubernetes-backup/admin.conf', copy);
  await symlink('/etc/kubernetes-backup/admin.conf', join(node.root, `${ETCD}/link.conf`));
  await promisify(execFile)('mkfifo', [join(node.root, `${ETCD}/pipe.conf`)]);
  await node.write(`${ETCD}/own.conf`, copy);
  const { stderr, notices } = await rotate(site);
  expect(stderr).toBe('');
  expect(await node.read('/etc/kubernetes-backup/admin.conf')).toBe(copy);
  expect(await node.read(`${ETCD}/own.conf`)).not.toBe(copy);
  expect(notices).toContain(`file-skipped ${ETCD}/link.conf`);
});

test("does not renew root's files that a kubeconfig names which others can change", async () => {
  const site = await master();
  const { node } = site;
  const pair = async (): Promise<string> =>
    (await node.read(`${CERTS}/admin.crt`)) + (await node.read(`${CERTS}/admin.key`));
  const before = await pair();
  await node.write('/root/kept.pem', before);
  const naming = `clusters: []\nusers:\n- name: u\n  user: { client-certificate: /root/kept.pem, client-key: /root/kept.pem }\n`;
  await node.write(PLANTED, naming, 0o644);
  const { notices } = await rotate(site);
  expect(await node.read('/root/kept.pem')).toBe(before);
  expect(notices).toContain('file-skipped /root/kept.pem');
  // A kubeconfig that only root can change does.
  await node.write('/etc/kubernetes/tools.conf', naming);
  await node.write('/root/kept.pem', await pair());
  await rotate(site);
  expect(await node.read('/root/kept.pem')).toBe(await pair());
});

test.each(['ca.crt', 'server.crt', 'server.key'])(
  'the read-only verbs report a symlink in place of %s and show the rest; make-cert changes nothing',
  async (name) => {
    const site = await master();
    replaceByLink(site, `${ETCD}/${name}`, '/root/elsewhere');
    const before = await site.files(CERTS);
    const { certificates } = v.parse(Certs, (await cli(site, ['certs', '--json'])).stdout);
    expect(certificates).toHaveLength(11);
    const faulty = certificates.flatMap(({ file, faults }) => faults.map(({ code }) => `${file} ${code}`));
    expect(faulty).toEqual([FAULT[name]]);
    const { findings } = v.parse(Findings, (await cli(site, ['doctor', '--json'])).stdout);
    expect(findings).toContainEqual({ id: 'disk', of: `${ETCD}/${name}`, verdict: 'bad' });
    expect(findings).toContainEqual({
      id: 'certificate',
      of: FAULT[name]?.split(' ')[0],
      verdict: 'bad',
    });
    const refused = await cli(site, ['make-cert', '--json']);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'precondition', reason: 'disk' } });
    expect(await site.files(CERTS)).toEqual(before);
  },
);

const FAULT: Readonly<Record<string, string>> = {
  'ca.crt': `${ETCD}/ca.crt unreadable`,
  'server.crt': `${ETCD}/server.crt unreadable`,
  'server.key': `${ETCD}/server.crt key-unreadable`,
};

const Certs = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    certificates: v.array(v.object({ file: v.string(), faults: v.array(v.object({ code: v.string() })) })),
  }),
);
const Findings = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    findings: v.array(v.object({ id: v.string(), of: v.optional(v.string()), verdict: v.string() })),
  }),
);
