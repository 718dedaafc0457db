import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { createSite, type Site } from '../scenarios/support/site.ts';
import { asRoot } from './machine.ts';

/**
 * Another user owns a directory of certificates, and exchanges names in it as fast as possible while the agent works
 * there. test/scenarios/other-owners.test.ts hits the critical moments deterministically.
 */

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

const CERTS = '/etc/kubernetes/certs';
const ETCD = '/etc/etcd/certs';
const RUNS = 6;

/** The user `nobody`: any user other than the agent's. */
const NOBODY = 65_534;

/** A Python program that turns each name in a directory into a symlink and back, endlessly. */
const EXCHANGE = `
import os, sys
targets = dict(arg.split("=", 1) for arg in sys.argv[1:])
print("begun", flush=True)
while True:
    for name, target in targets.items():
        for make in (lambda to: os.symlink(target, to), lambda to: os.rename(name + ".kept", to)):
            try:
                if os.path.islink(name): os.rename(name, ".away")
                elif os.path.exists(name): os.rename(name, name + ".kept")
                make(name)
            except OSError:
                pass
`;

/** Lets that user exchange names in a directory until the test has ended. */
async function exchange(
  site: Site,
  directory: string,
  targets: Record<string, string>,
): Promise<ChildProcess> {
  const cwd = join(site.node.root, directory);
  const args = ['-c', EXCHANGE, ...Object.entries(targets).map(([name, target]) => `${name}=${target}`)];
  const isRoot = asRoot.length === 0;
  const [program = '', ...rest] = isRoot
    ? ['python3', ...args]
    : ['sudo', '-n', '-u', 'nobody', 'python3', ...args];
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
  const child = spawn(program, rest, { cwd, stdio, ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}) });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout ?? child, 'data');
  return child;
}

/** Makes a master whose files that user can reach, and whose tested directories it owns. */
async function master(): Promise<Site> {
  const site = await createSite(cloud, { role: 'master' });
  const { root, write } = site.node;
  await chmod(root, 0o711);
  for (const directory of [CERTS, ETCD]) await chmod(join(root, directory), 0o777);
  await mkdir(join(root, '/etc/kubernetes/manifests'), { recursive: true });
  await write('/root/secret', 'for root alone');
  await chmod(join(root, '/root'), 0o700);
  return site;
}

test('writes no file of root, and changes no owner or mode of one, whatever that user exchanges', async () => {
  const site = await master();
  const { node } = site;
  const b64 = async (path: string): Promise<string> => Buffer.from(await node.read(path)).toString('base64');
  const user = `{ client-certificate-data: ${await b64(`${CERTS}/admin.crt`)}, client-key-data: ${await b64(`${CERTS}/admin.key`)} }`;
  const pod = `apiVersion: v1\nkind: Pod\nclusters: []\nusers: [{ name: u, user: ${user} }]\n`;
  await node.write(`${ETCD}/x.yaml`, pod, 0o644);
  const before = await stat(join(node.root, '/root'));

  await exchange(site, ETCD, {
    'x.yaml': '/etc/kubernetes/manifests/x.yaml',
    'admin.crt': '/root/secret',
    '.admin.crt.coe-agent': '/root/secret',
    'ca.crt': '/root/new',
  });
  await exchange(site, CERTS, { 'front-proxy': '/root' });
  const ends: (number | null)[] = [];
  for (let run = 0; run < RUNS; run += 1) ends.push((await node.agent('make-cert', '--force')).code);

  expect(await readdir(join(node.root, '/etc/kubernetes/manifests'))).toEqual([]);
  expect(await readdir(join(node.root, '/root'))).toEqual(['secret']);
  expect(await node.read('/root/secret')).toBe('for root alone');
  const { uid, gid, mode } = await stat(join(node.root, '/root'));
  expect({ uid, gid, mode }).toEqual({ uid: before.uid, gid: before.gid, mode: before.mode });
  // It ends each time, with any result.
  expect(ends.filter((code) => code === null)).toEqual([]);
});
