import { createPrivateKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTokenOf } from '../../../src/certificates/service-account-token.ts';
import { type Cloud, startCloud } from '../../cloud/cloud.ts';
import { createKubernetes, type Kubernetes, signedToken } from '../../fakes/kubernetes.ts';
import { fingerprintOf } from '../../scenarios/support/certificates.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { createCa } from '../../src/support/openssl.ts';
import { leafOf, tlsServer } from '../../src/support/tls-server.ts';

/** What a rotation has left to do in the cluster, and later passes of a master do. */

let cloud: Cloud;
/** Certificates have whole seconds, and no two rotations are made in one. */
let behindMs = 120_000;
beforeAll(async () => {
  cloud = await startCloud({ now: () => Date.now() - behindMs });
});
afterAll(async () => {
  await cloud.close();
});

const RECORD = '/var/lib/coe-agent/follow-ups.json';
const SECRETS = ['a', 'b', 'c'];
const MINUTE = 60_000;

const signerOf = (site: Site): string =>
  (site.cluster.stack.parameters['kube_service_account_private_key'] ?? '').replaceAll(String.raw`\n`, '\n');

/** A master with a cluster's API, that has had a first rotation with nothing left to do. */
async function createFollowedSite(): Promise<{ site: Site; api: Kubernetes }> {
  const site = await createSite(cloud, { role: 'master', server: { inputs: { phase: 'phase' } } });
  const api = createKubernetes();
  site.node.units.serve('kube-apiserver', api.listener);
  await rotate(site);
  await site.pass();
  expect(await hasRecord(site)).toBe(false);
  return { site, api };
}

async function rotate(site: Site, phase = 'all'): Promise<void> {
  site.cluster.stack.parameters['phase'] = phase;
  behindMs -= 2000;
  await cloud.rotateCa(site.cluster);
  await site.pass();
  await cloud.settled(site.cluster);
  expect(site.signals().at(-1)?.body).toMatchObject({ deploy_status_code: 0 });
}

const hasRecord = async (site: Site): Promise<boolean> =>
  (await site.files('/var/lib/coe-agent')).has(RECORD);

/** The next pass, some time later. */
async function look(site: Site, ms = 1000): Promise<void> {
  site.clock.jump(ms);
  await site.pass();
}

const notesOf = async (site: Site): Promise<string> =>
  (await cli(site, ['status'])).stdout.replaceAll(/\s+/g, ' ');
const patches = (api: Kubernetes, what: string): number =>
  api.asked.filter(({ method, path }) => method === 'PATCH' && path.includes(what)).length;

/** Secrets whose tokens the key of before has signed. */
async function createSiteWithTokens(): Promise<{ site: Site; api: Kubernetes; former: string }> {
  const { site, api } = await createFollowedSite();
  const former = signerOf(site);
  api.signer = createPrivateKey(former);
  for (const name of SECRETS) api.addLegacyToken('shop', name);
  api.work();
  await rotate(site);
  return { site, api, former };
}

const tokensOf = (api: Kubernetes): string[] =>
  SECRETS.map((name) => {
    const data = api.core.find('secrets', 'shop', name)?.['data'];
    const token = typeof data === 'object' && data && 'token' in data ? String(data.token) : '';
    return Buffer.from(token, 'base64').toString();
  });

describe('legacy tokens', () => {
  test('are cleared, first one and then all, and signed with the new key', async () => {
    const { site, api, former } = await createSiteWithTokens();
    api.signer = createPrivateKey(signerOf(site));
    await look(site);
    expect(patches(api, '/secrets/')).toBe(1);
    expect(tokensOf(api).filter((token) => isTokenOf(token, former))).toHaveLength(2);
    await look(site);
    expect(patches(api, '/secrets/')).toBe(3);
    await look(site);
    expect(tokensOf(api).every((token) => isTokenOf(token, signerOf(site)))).toBe(true);
    expect(await hasRecord(site)).toBe(false);
    expect(logged(site.log, 'follow-up-done')).toContainEqual(expect.objectContaining({ task: 'tokens' }));
    await look(site, MINUTE);
    expect(patches(api, '/secrets/')).toBe(3);
  });

  test('stay, but for one, while the controller manager that leads signs with the old key', async () => {
    const { site, api, former } = await createSiteWithTokens();
    await look(site);
    await look(site);
    await look(site);
    expect(patches(api, '/secrets/')).toBe(1);
    expect(tokensOf(api).every((token) => isTokenOf(token, former))).toBe(true);
    expect(await notesOf(site)).toContain('signs with a former service-account key (shop/a)');
    api.signer = createPrivateKey(signerOf(site));
    await look(site, 2 * MINUTE);
    await look(site);
    await look(site);
    expect(tokensOf(api).every((token) => isTokenOf(token, signerOf(site)))).toBe(true);
    expect(await hasRecord(site)).toBe(false);
  });

  test('are left to another master that holds the lease, which gets it back as it was', async () => {
    const { site, api } = await createSiteWithTokens();
    const renewTime = new Date(site.clock.now()).toISOString().replace('Z', '000Z');
    const done = { 'coe-agent/state': 'done', 'coe-agent/ca-fingerprint': 'x' };
    api.lease = { holder: 'm-1', annotations: { ...done, 'coe-agent/tokens': 'renewing' }, renewTime };
    await look(site);
    expect(patches(api, '/secrets/')).toBe(0);
    expect(await notesOf(site)).toContain('m-1 holds the lease');
    api.lease = { holder: 'm-1', annotations: done, renewTime };
    await look(site, 2 * MINUTE);
    expect(patches(api, '/secrets/')).toBe(1);
    expect(api.lease).toMatchObject({ holder: 'm-1', annotations: done });
    expect(api.lease?.annotations).not.toHaveProperty('coe-agent/tokens');
  });

  test('an API that does not answer keeps nothing waiting, and is asked again', async () => {
    const { site, api } = await createSiteWithTokens();
    api.instead = () => ({ status: 403, body: { message: 'no' } });
    site.clock.jump(1000);
    expect(await site.pass()).toMatchObject({ problems: [] });
    expect(await notesOf(site)).toContain('the Kubernetes API says 403');
    api.instead = () => undefined;
    api.signer = createPrivateKey(signerOf(site));
    await look(site, 2 * MINUTE);
    await look(site);
    await look(site);
    expect(await hasRecord(site)).toBe(false);
  });
});

const NAME = 'extension-apiserver-authentication';
const KEYS = ['client-ca-file', 'requestheader-client-ca-file'] as const;
type Held = Record<(typeof KEYS)[number], string>;

const casOf = ({ cluster }: Site): Held => ({
  'client-ca-file': cluster.ca.kubernetes,
  'requestheader-client-ca-file': cluster.ca['front-proxy'],
});
const heldBy = (api: Kubernetes): string[][] => {
  const data = api.core.find('configmaps', 'kube-system', NAME)?.['data'] ?? {};
  return KEYS.map((key) =>
    (String(Reflect.get(data, key)).match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map((pem) =>
      fingerprintOf(pem),
    ),
  );
};
const present = (site: Site): string[][] => KEYS.map((key) => [fingerprintOf(casOf(site)[key])]);

/** A cluster whose config map holds the CAs of before and of now, and what its endpoints name. */
async function createSiteWithTrust(
  others: readonly number[] = [],
): Promise<{ site: Site; api: Kubernetes; former: Held }> {
  const { site, api } = await createFollowedSite();
  const former = casOf(site);
  api.clientCas = former;
  api.work();
  const ports = [site.node.units.port('kube-apiserver'), ...others].map((port) => ({ port }));
  api.core.put('endpoints', 'default', 'kubernetes', {
    subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports }],
  });
  await rotate(site);
  // Any request has the API server add its own.
  api.clientCas = casOf(site);
  await look(site, 0);
  return { site, api, former };
}

describe('the client CAs that aggregated API servers trust', () => {
  test('are the new ones alone after every API server has retired, and a later look confirms it', async () => {
    const { site, api } = await createSiteWithTrust();
    expect(heldBy(api)).toEqual(present(site));
    expect(patches(api, NAME)).toBe(1);
    expect(await notesOf(site)).toContain('a later look confirms');
    await look(site, MINUTE);
    expect(await hasRecord(site)).toBe(true);
    await look(site, 2 * MINUTE);
    expect(await hasRecord(site)).toBe(false);
    expect(patches(api, NAME)).toBe(1);
  });

  test('stay while an API server presents a certificate of another CA', async () => {
    const { port } = await tlsServer(await leafOf(await createCa()));
    const { site, api } = await createSiteWithTrust([port]);
    expect(patches(api, NAME)).toBe(0);
    expect(heldBy(api).map((cas) => cas.length)).toEqual([2, 2]);
    expect(await notesOf(site)).toContain(`127.0.0.1:${port} presents a certificate of another CA`);
  });

  test('stay while an API server cannot be asked, or none is named', async () => {
    const { site, api } = await createSiteWithTrust([9]);
    expect(patches(api, NAME)).toBe(0);
    expect(await notesOf(site)).toContain('127.0.0.1:9 cannot be asked');
    api.core.remove('endpoints', 'default', 'kubernetes');
    await look(site, 2 * MINUTE);
    expect(patches(api, NAME)).toBe(0);
    expect(await notesOf(site)).toContain('names no API server');
  });

  test('an API server that still trusts the old CA adds it again: that is said, and tried later', async () => {
    const { site, api, former } = await createSiteWithTrust();
    const key = 'client-ca-file';
    api.clientCas = { [key]: `${former[key]}${casOf(site)[key]}` };
    await look(site, 3 * MINUTE);
    expect(await notesOf(site)).toContain('retire the old CA on every master');
    await look(site, MINUTE);
    expect(patches(api, NAME)).toBe(1);
    api.clientCas = casOf(site);
    await look(site, 10 * MINUTE);
    await look(site, 3 * MINUTE);
    expect(heldBy(api)).toEqual(present(site));
    expect(await hasRecord(site)).toBe(false);
  });

  test('are left alone in trust and reissue, and where nobody has such a config map', async () => {
    const { site, api } = await createFollowedSite();
    api.clientCas = casOf(site);
    await rotate(site, 'trust');
    await look(site);
    site.cluster.stack.update({ phase: 'reissue' });
    await look(site);
    await look(site, MINUTE);
    expect(patches(api, NAME)).toBe(0);
    expect(await hasRecord(site)).toBe(false);
  });
});

test('a worker has nothing to do in the cluster', async () => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await hasRecord(site)).toBe(false);
});

test('a pod that may use a token of the old key keeps it, until it is gone', async () => {
  const { site, api } = await createFollowedSite();
  const former = createPrivateKey(signerOf(site));
  const DAY = 86_400_000;
  const token = Buffer.from(signedToken(former, 'shop:a')).toString('base64');
  api.core.put('secrets', 'shop', 'a', { type: 'kubernetes.io/service-account-token', data: { token } });
  await rotate(site);
  api.signer = createPrivateKey(signerOf(site));
  for (let one = 0; one < 3; one += 1) await look(site);
  const startTime = new Date(site.clock.now() - MINUTE).toISOString();
  api.core.put('pods', 'shop', 'web', {
    spec: { volumes: [{ secret: { secretName: 'a' } }] },
    status: { phase: 'Running', startTime },
  });
  const keys = async (): Promise<number> =>
    (await site.node.read('/etc/kubernetes/certs/service_account.key')).match(/BEGIN/g)?.length ?? 0;
  await look(site, 2 * DAY);
  expect(await keys()).toBe(2);
  expect(await notesOf(site)).toContain('because these pods may still use them: shop/web');
  expect(logged(site.log, 'grace-extended')).toHaveLength(1);
  api.core.remove('pods', 'shop', 'web');
  await look(site, DAY);
  expect(await keys()).toBe(1);
});
