import { rm } from 'node:fs/promises';
import { beforeEach, expect, test } from 'vitest';
import { createSecrets } from '../../../../src/base/secrets.ts';
import { listerByKubeconfig } from '../../../../agent/commands/fleet/by-kubeconfig.ts';
import { createKubernetes, type Kubernetes } from '../../../fakes/kubernetes.ts';
import { NEVER, testClock, type TestClock } from '../../../src/support/clock.ts';
import { createCa } from '../../../src/support/openssl.ts';
import { agentErrorOf } from '../../../src/support/outcome-of.ts';
import { tempRoot, type TempRoot } from '../../../src/support/temp-root.ts';
import { leafOf, tlsServer } from '../../../src/support/tls-server.ts';

let kubernetes: Kubernetes;
let home: TempRoot;
let clock: TestClock;
let server = '';
beforeEach(async () => {
  const ca = await createCa('k1');
  kubernetes = createKubernetes();
  kubernetes.core.put('nodes', '', 'master-0', { metadata: {} });
  // Like an API server: a client certificate is not required.
  const options = { requestCert: true, rejectUnauthorized: false };
  const { port } = await tlsServer(await leafOf(ca), options, kubernetes.listener);
  server = `https://127.0.0.1:${port}`;
  home = await tempRoot();
  clock = testClock(Date.now());
  await home.write('/ca.pem', ca.pem);
});

const admit = (token: string): void => {
  kubernetes.bearers.clear();
  kubernetes.bearers.set(token, { user: 'viewer', groups: ['system:masters'] });
};

const save = async (user: Record<string, unknown>, to = server): Promise<void> => {
  await home.write(
    '/config',
    JSON.stringify({
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
      clusters: [{ name: 'k', cluster: { server: to, 'certificate-authority': 'ca.pem' } }],
      users: [{ name: 'u', user }],
    }),
  );
};

/** Makes a plugin that returns the token in the file `token`, and counts its starts. */
async function plugin(more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const apiVersion = 'client.authentication.k8s.io/v1';
  const answer = JSON.stringify({ kind: 'ExecCredential', apiVersion, status: { token: 'TOKEN', ...more } });
  await home.write(
    '/plugin',
    `#!/bin/sh\ncd '${home.root}'\nprintf x >> starts\necho 'logged in' >&2\nprintf %s '${answer}' | sed "s/TOKEN/$(cat token)/"\n`,
    0o700,
  );
  return { exec: { apiVersion, command: './plugin', interactiveMode: 'Never' } };
}

const provide = async (token: string): Promise<void> => {
  await home.write('/token', token);
};

const starts = async (): Promise<number> => (await home.read('/starts').catch(() => '')).length;

function lister(): {
  list: () => Promise<string[]>;
  secrets: ReturnType<typeof createSecrets>;
  said: () => string;
} {
  const secrets = createSecrets();
  let said = '';
  const silent = { write: () => undefined };
  const stderr = { write: (text: string) => (said += text) };
  const world = { argv: [], env: { PATH: process.env['PATH'] }, pid: 1, stdout: silent, stderr };
  const list = listerByKubeconfig(home.at('/config'), { secrets, world }, clock, NEVER);
  return { list: async () => (await list()).map(({ node }) => node), secrets, said: () => said };
}

test('lists with a token, and reads a changed kubeconfig at the next call', async () => {
  const { list, secrets } = lister();
  admit('first-token');
  await save({ token: 'first-token' });
  expect(await list()).toEqual(['master-0']);
  expect(secrets.redact('first-token')).not.toContain('first');
  admit('second-token');
  expect(await agentErrorOf(list())).toMatchObject({ code: 'cloud-refused', reason: 'http-401' });
  await save({ token: 'second-token' });
  expect(await list()).toEqual(['master-0']);
});

// Measured with kubectl 1.32.4.
test('prefers a token file to a token, unless it is missing, and follows it', async () => {
  const { list } = lister();
  await save({ token: 'written', tokenFile: 'token' });
  await provide('from-file\n');
  admit('from-file');
  expect(await list()).toEqual(['master-0']);
  await provide('renewed');
  admit('renewed');
  expect(await list()).toEqual(['master-0']);
  await rm(home.at('/token'));
  admit('written');
  expect(await list()).toEqual(['master-0']);
  await save({ tokenFile: 'token' });
  expect(await agentErrorOf(list())).toMatchObject({ code: 'usage' });
});

test('runs a plugin once, shows what it says, and runs it again when its token is rejected', async () => {
  const { list, said } = lister();
  await provide('t1');
  admit('t1');
  await save(await plugin());
  await list();
  await list();
  expect(await starts()).toBe(1);
  expect(said()).toBe('logged in\n');
  await provide('t2');
  admit('t2');
  expect(await list()).toEqual(['master-0']);
  expect(await starts()).toBe(2);
  admit('t3');
  expect(await agentErrorOf(list())).toMatchObject({ reason: 'http-401' });
  expect(await starts()).toBe(3);
});

test('runs a plugin again when its credential has expired', async () => {
  const { list } = lister();
  await provide('t1');
  admit('t1');
  await save(await plugin({ expirationTimestamp: new Date(clock.now() + 60_000).toISOString() }));
  await list();
  clock.advance(59_000);
  await list();
  expect(await starts()).toBe(1);
  clock.advance(1000);
  await list();
  expect(await starts()).toBe(2);
});

test('does not run a plugin beside a token', async () => {
  const { list } = lister();
  admit('written');
  await save({ ...(await plugin()), token: 'written' });
  expect(await list()).toEqual(['master-0']);
  expect(await starts()).toBe(0);
});

test('keeps the path of the server', async () => {
  const { list } = lister();
  admit('t');
  await save({ token: 't' }, `${server}/k8s/clusters/c-1/`);
  await agentErrorOf(list());
  expect(kubernetes.asked.at(-1)?.path).toMatch(/^\/k8s\/clusters\/c-1\/api\/v1\/nodes\?/);
});

test('rejects a kubeconfig without any credential', async () => {
  await save({});
  expect(await agentErrorOf(lister().list())).toMatchObject({ code: 'usage', reason: 'no-credential' });
});
