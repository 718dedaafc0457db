import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { cloudForFile } from '../../cloud/for-file.ts';
import { at, parseObject } from '../../cloud/exchange.ts';
import { isSignedBy } from '../../scenarios/support/certificates.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

async function folder(name = 'coe config'): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'coe-cluster-config-'));
  onTestFinished(async () => {
    await rm(parent, { recursive: true, force: true });
  });
  return join(parent, name);
}

const make = async (site: Site, dir: string, ...more: string[]) =>
  await cli(site, ['cluster-config', '--user', 'alice', '--dir', dir, ...more]);

const text = async (...path: string[]): Promise<string> => await readFile(join(...path), 'utf8');

const data = (pem: string): string => Buffer.from(pem).toString('base64');
const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

/** Asks the node's own API port, which requires a certificate of the cluster's CA. */
const askApi = async (site: Site, options: { ca: string; cert: string; key: string }): Promise<number> =>
  await new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: site.node.units.port('kube-apiserver'),
        path: '/healthz',
        agent: false,
        ...options,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.once('error', reject);
    asked.end();
  });

test('writes key, certificate and kubeconfig that the API accepts, and prints a line that a shell accepts', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const dir = await folder();
  const said = await make(site, dir, '--group', 'system:masters');
  expect(said).toMatchObject({ code: 0, stderr: '' });
  // The only line must survive a shell although the path contains a space.
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    'eval "$1"; printf %s "$KUBECONFIG"',
    'sh',
    said.stdout,
  ]);
  expect(stdout).toBe(join(dir, 'config'));
  expect(said.stdout.split('\n')).toHaveLength(2);

  const leaf = new X509Certificate(await text(dir, 'cert.pem'));
  expect(leaf.subject).toBe('CN=alice\nO=system:masters');
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(isSignedBy(leaf, site.cluster.ca.kubernetes)).toBe(true);
  const files = {
    ca: await text(dir, 'ca.pem'),
    cert: await text(dir, 'cert.pem'),
    key: await text(dir, 'key.pem'),
  };
  expect(await askApi(site, files)).toBe(200);

  expect(parse(await text(dir, 'config'))).toMatchObject({
    clusters: [
      { cluster: { server: 'https://172.24.4.10:6443', 'certificate-authority-data': data(files.ca) } },
    ],
    users: [
      {
        name: 'alice',
        user: { 'client-certificate-data': data(files.cert), 'client-key-data': data(files.key) },
      },
    ],
  });
  expect(await mode(dir)).toBe(0o700);
  expect(await mode(join(dir, 'key.pem'))).toBe(0o600);
  expect(await mode(join(dir, 'config'))).toBe(0o600);
});

test('prints one object with --json, and omits the group from the certificate without --group', async () => {
  const site = await createSite(cloud);
  const dir = await folder('plain');
  const { stdout } = await make(site, dir, '--json');
  const leaf = new X509Certificate(await text(dir, 'cert.pem'));
  expect(leaf.subject).toBe('CN=alice');
  expect(parseObject(stdout)).toEqual({
    version: 1,
    kubeconfig: join(dir, 'config'),
    user: 'alice',
    server: 'https://172.24.4.10:6443',
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    serial: leaf.serialNumber.toLowerCase(),
    notAfter: leaf.validToDate.toISOString(),
  });
});

describe('rejects', () => {
  test.each(['key.pem', 'cert.pem', 'ca.pem', 'config'])(
    'overwriting %s without --force, before any request',
    async (name) => {
      const site = await createSite(cloud);
      const dir = await folder('there');
      await make(site, dir);
      for (const other of ['key.pem', 'cert.pem', 'ca.pem', 'config'])
        if (other !== name) await rm(join(dir, other));
      await writeFile(join(dir, name), 'mine');
      const refused = await make(site, dir);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toContain(join(dir, name));
      expect(await text(dir, name)).toBe('mine');

      expect(await make(site, dir, '--force')).toMatchObject({ code: 0 });
      expect(await text(dir, name)).not.toBe('mine');
      expect((await stat(join(dir, 'key.pem'))).mode & 0o777).toBe(0o600);
    },
  );

  test('a certificate that Magnum does not sign: writes nothing, and keeps existing files', async () => {
    const site = await createSite(cloud);
    const dir = await folder('before');
    await make(site, dir);
    const before = await text(dir, 'config');
    await site.setParams({ TRUSTEE_PASSWORD: 'wrong' });
    const refused = await make(site, dir, '--force');
    expect(refused).toMatchObject({ stdout: '' });
    expect(refused.code).not.toBe(0);
    expect(await text(dir, 'config')).toBe(before);
    const fresh = await folder('fresh');
    await make(site, fresh);
    await expect(stat(join(fresh, 'key.pem'))).rejects.toThrow('ENOENT');
  });

  test.each([
    [['--user', ' '], '--user: a name of 1 to 64 characters'],
    [['--user', 'x'.repeat(65)], '--user: a name of 1 to 64 characters'],
    [['--user', 'a', '--group', ''], '--group: a name of 1 to 64 characters'],
    [['--user', 'a\nb'], '--user: a name of 1 to 64 characters on one line'],
    [['--user', 'a', '--dir', '/srv/a:b'], '--dir: KUBECONFIG holds a path on one line'],
  ])('%j', async (options, words) => {
    const site = await createSite(cloud);
    const said = await cli(site, ['cluster-config', '--dir', await folder('x'), ...options]);
    expect(said).toMatchObject({ code: 2, stdout: '' });
    expect(said.stderr).toContain(words);
  });

  test('a node without a Kubernetes API', async () => {
    const site = await createSite(cloud);
    await site.setParams({ KUBE_API_PUBLIC_ADDRESS: '', KUBE_API_PRIVATE_ADDRESS: '', KUBE_NODE_IP: '' });
    expect((await make(site, await folder('x'))).stderr).toContain('has no address of a Kubernetes API');
  });
});

test('uses the most public API address, and puts IPv6 into brackets', async () => {
  const site = await createSite(cloud);
  await site.setParams({
    KUBE_API_PUBLIC_ADDRESS: '',
    KUBE_API_PRIVATE_ADDRESS: 'fd00::4',
    KUBE_API_PORT: '8443',
  });
  const { stdout } = await make(site, await folder('six'), '--json');
  expect(at(parseObject(stdout), 'server')).toBe('https://[fd00::4]:8443');
});
