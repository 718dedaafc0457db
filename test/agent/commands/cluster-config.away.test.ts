import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { type Cloud, startCloud } from '../../cloud/cloud.ts';
import type { Cluster } from '../../cloud/cluster.ts';
import { AGENT } from '../../fakes/program.ts';
import { isSignedBy } from '../../scenarios/support/certificates.ts';

let cloud: Cloud;
let cluster: Cluster;
beforeAll(async () => {
  cloud = await startCloud({ tls: true });
  cluster = await cloud.createCluster({ name: 'k1', keys: 'ec', servers: [] });
});
afterAll(async () => {
  await cloud.close();
});

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'coe-away-'));
  onTestFinished(async () => {
    await rm(home, { recursive: true, force: true });
  });
  await writeFile(join(home, 'ca.pem'), cloud.caPem ?? '');
  const auth = {
    auth_url: cloud.authUrl,
    username: cloud.owner.name,
    password: cloud.owner.password,
    project_name: cloud.project.name,
  };
  const clouds = { home: { auth, cacert: join(home, 'ca.pem') }, untrusting: { auth } };
  await writeFile(join(home, 'clouds.yaml'), JSON.stringify({ clouds }));
});

/** Runs a shell in a directory with a clouds.yaml, as on a person's machine. */
async function shell(script: string, env: Record<string, string> = {}) {
  const agent = [process.execPath, ...AGENT].map((word) => `'${word}'`).join(' ');
  const options = { cwd: home, env: { PATH: process.env['PATH'], HOME: home, OS_CLOUD: 'home', ...env } };
  return await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile('sh', ['-c', `agent() { ${agent} "$@"; }\n${script}`], options, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}

test('writes key, certificate and kubeconfig with the login of clouds.yaml, for a shell to use', async () => {
  const said = await shell(
    'eval $(agent cluster-config --cluster k1 --user alice --group system:masters --dir out) && printf %s "$KUBECONFIG"',
  );
  expect(said).toEqual({ code: 0, stdout: join(home, 'out/config'), stderr: '' });
  const leaf = new X509Certificate(await readFile(join(home, 'out/cert.pem')));
  expect(leaf.subject).toBe('CN=alice\nO=system:masters');
  expect(isSignedBy(leaf, cluster.ca.kubernetes)).toBe(true);
  expect((await stat(join(home, 'out/key.pem'))).mode & 0o777).toBe(0o600);
  expect(parse(await readFile(join(home, 'out/config'), 'utf8'))).toMatchObject({
    clusters: [{ name: 'k1', cluster: { server: 'https://172.24.4.10:6443' } }],
  });
});

test('uses OS_* variables instead of clouds.yaml, and names a missing one', async () => {
  const login = {
    OS_CLOUD: '',
    OS_AUTH_URL: cloud.authUrl,
    OS_USERNAME: cloud.owner.name,
    OS_PROJECT_NAME: cloud.project.name,
    OS_CACERT: join(home, 'ca.pem'),
  };
  const make = 'eval $(agent cluster-config --cluster k1 --user alice --dir out) && printf %s "$KUBECONFIG"';
  const incomplete = await shell(`agent cluster-config --cluster k1 --user alice --dir out`, login);
  expect(incomplete).toMatchObject({ code: 2, stdout: '' });
  expect(incomplete.stderr).toContain('OS_PASSWORD');
  const said = await shell(make, { ...login, OS_PASSWORD: cloud.owner.password });
  expect(said).toEqual({ code: 0, stdout: join(home, 'out/config'), stderr: '' });
});

test('prints and writes nothing with an unknown CA, a wrong password or an unknown cluster', async () => {
  const make = 'agent cluster-config --cluster k1 --user alice --dir out';
  const cases = [
    await shell(make, { OS_CLOUD: 'untrusting' }),
    await shell(make, { OS_CLOUD: 'nowhere' }),
    await shell('agent cluster-config --cluster k2 --user alice --dir out'),
  ];
  expect(cases.map(({ code }) => code)).toEqual([3, 2, 1]);
  for (const { stdout, stderr } of cases) {
    expect(stdout).toBe('');
    expect(stderr).not.toContain(cloud.owner.password);
  }
  await expect(stat(join(home, 'out'))).rejects.toThrow('ENOENT');
});

test('rejects a cluster without an API address', async () => {
  await cloud.createCluster({ name: 'young', keys: 'ec', servers: [], apiAddress: null });
  const { code, stderr } = await shell('agent cluster-config --cluster young --user alice --dir out');
  expect(code).toBe(1);
  expect(stderr).toContain('no API address yet');
});

test('explains how to name a cluster on a machine that is not a node', async () => {
  const { code, stderr } = await shell('agent cluster-config --user alice --dir out --root .');
  expect(code).toBe(2);
  expect(stderr).toContain('--cluster');
});
