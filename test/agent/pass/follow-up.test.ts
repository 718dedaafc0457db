import { createPrivateKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isTokenOf } from '../../../src/certificates/service-account-token.ts';
import { createKubernetes, type Kubernetes } from '../../fakes/kubernetes.ts';
import { fingerprintOf } from '../../scenarios/support/certificates.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { startPhasedCloud } from '../../scenarios/support/phased-cloud.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { createCa } from '../../src/support/openssl.ts';
import { leafOf, tlsServer } from '../../src/support/tls-server.ts';

/** Work in the cluster that a rotation leaves to later passes of a master. */

const { cloud, rotateCa, answer } = await startPhasedCloud();

const RECORD = '/var/lib/coe-agent/follow-ups.json';
const MINUTE = 60_000;
const DAY = 86_400_000;

const signerOf = (site: Site): string =>
  (site.cluster.stack.parameters['kube_service_account_private_key'] ?? '').replaceAll(String.raw`\n`, '\n');

/** Makes a master with a cluster's API, after a first rotation without remaining work. */
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
  await rotateCa(site, phase);
  expect(await answer(site)).toMatchObject({ deploy_status_code: 0 });
}

const hasRecord = async (site: Site): Promise<boolean> =>
  (await site.files('/var/lib/coe-agent')).has(RECORD);

/** Runs the next pass, some time later. */
async function look(site: Site, ms = 1000): Promise<void> {
  site.clock.jump(ms);
  await site.pass();
}

const notesOf = async (site: Site): Promise<string> =>
  (await cli(site, ['status'])).stdout.replaceAll(/\s+/g, ' ');
const keysOf = async (site: Site): Promise<number> =>
  (await site.node.read('/etc/kubernetes/certs/service_account.key')).match(/BEGIN/g)?.length ?? 0;
const patches = (api: Kubernetes, what: string): number =>
  api.asked.filter(({ method, path }) => method === 'PATCH' && path.includes(what)).length;

const token = (api: Kubernetes, namespace: string, name: string): string => {
  const data = api.core.find('secrets', namespace, name)?.['data'];
  const held = typeof data === 'object' && data && 'token' in data ? String(data.token) : '';
  return Buffer.from(held, 'base64').toString();
};
/** The Secrets that a service account lists: new pods mount the first. */
const secretsOf = (api: Kubernetes, account: string): string[] => {
  const listed = api.core.find('serviceaccounts', 'shop', account)?.['secrets'];
  return Array.isArray(listed) ? listed.map(({ name }: { name: string }) => name) : [];
};
const addPod = (api: Kubernetes, name: string, secret: string | undefined): void =>
  api.core.put('pods', 'shop', name, {
    spec: { volumes: [{ secret: { secretName: secret } }] },
    status: { phase: 'Running' },
  });

const ACCOUNTS = ['a', 'b', 'idle'];

/** Makes service accounts with tokens of the former key, and a pod of each of `a` and `b`. */
async function createSiteWithTokens(): Promise<{
  site: Site;
  api: Kubernetes;
  /** By name of the account. */
  former: Map<string, { secret: string; token: string }>;
  rotateOn(): Promise<void>;
}> {
  const { site, api } = await createFollowedSite();
  api.signer = createPrivateKey(signerOf(site));
  for (const name of ACCOUNTS) api.addAccount('shop', name);
  api.work();
  const former = new Map<string, { secret: string; token: string }>();
  for (const name of ACCOUNTS) {
    const [secret = ''] = secretsOf(api, name);
    former.set(name, { secret, token: token(api, 'shop', secret) });
  }
  for (const name of ['a', 'b']) addPod(api, `pod-${name}`, former.get(name)?.secret);
  return {
    site,
    api,
    former,
    rotateOn: async () => {
      await rotate(site);
      // As if kube-controller-manager had been restarted.
      api.signer = createPrivateKey(signerOf(site));
    },
  };
}

describe('legacy tokens', () => {
  test('of a running pod stay, and new pods of its service account get a token of the new key', async () => {
    const { site, api, former, rotateOn } = await createSiteWithTokens();
    await rotateOn();
    await look(site);
    await look(site);
    for (const [name, { secret, token: before }] of former) {
      expect(token(api, 'shop', secret), name).toBe(before);
      const [first = ''] = secretsOf(api, name);
      const isNew = isTokenOf(token(api, 'shop', first), signerOf(site));
      // Unused: its Secret becomes usable again when the former key is gone.
      expect(isNew, name).toBe(name !== 'idle');
    }
    expect(patches(api, '/secrets/')).toBe(0);
    expect(patches(api, '/serviceaccounts/')).toBe(2);
    expect(logged(site.log, 'follow-up-done')).toContainEqual(expect.objectContaining({ task: 'tokens' }));
    await look(site, MINUTE);
    expect(await hasRecord(site)).toBe(false);
    expect(patches(api, '/serviceaccounts/')).toBe(2);
  });

  test('are left to the master whose controller manager leads', async () => {
    const { site, api, rotateOn } = await createSiteWithTokens();
    await rotateOn();
    api.leaders.set('kube-controller-manager', 'm-1_5b2c');
    await look(site);
    await look(site, MINUTE);
    expect(patches(api, '/serviceaccounts/')).toBe(0);
    expect(await notesOf(site)).toContain('m-1');
    const own = site.cluster.heatParams('master')['INSTANCE_NAME'] ?? '';
    api.leaders.set('kube-controller-manager', `${own}_77aa`);
    await look(site, MINUTE);
    await look(site);
    expect(patches(api, '/serviceaccounts/')).toBe(2);
    expect(await hasRecord(site)).toBe(false);
  });

  test('keep their key as long as a pod uses them, and are then signed again', async () => {
    const { site, api, former, rotateOn } = await createSiteWithTokens();
    await rotateOn();
    await look(site);
    await look(site);
    // A pod starts meanwhile, of an account without one.
    addPod(api, 'late', secretsOf(api, 'idle')[0]);
    await look(site, 2 * DAY);
    expect(await keysOf(site)).toBe(2);
    expect(await notesOf(site)).toContain('shop/pod-a, shop/pod-b, shop/late');
    expect(logged(site.log, 'grace-extended')).toHaveLength(1);
    await look(site);
    expect(isTokenOf(token(api, 'shop', secretsOf(api, 'idle')[0] ?? ''), signerOf(site))).toBe(true);

    // As if their Deployments had been restarted.
    for (const [pod, account] of [
      ['pod-a', 'a'],
      ['pod-b', 'b'],
      ['late', 'idle'],
    ] as const)
      addPod(api, pod, secretsOf(api, account)[0]);
    expect(patches(api, '/secrets/')).toBe(0);
    await look(site, DAY);
    expect(await keysOf(site)).toBe(1);
    await look(site);
    await look(site);
    for (const { secret } of former.values())
      expect(isTokenOf(token(api, 'shop', secret), signerOf(site))).toBe(true);
    expect(await hasRecord(site)).toBe(false);
  });

  test('are signed again at once if the owner rejects tokens of the former key', async () => {
    const { site, api, former, rotateOn } = await createSiteWithTokens();
    await site.node.configure({ service_account: { grace_seconds: 0 } });
    await rotateOn();
    expect(await keysOf(site)).toBe(1);
    await look(site);
    await look(site);
    for (const { secret } of former.values())
      expect(isTokenOf(token(api, 'shop', secret), signerOf(site))).toBe(true);
    expect(patches(api, '/serviceaccounts/')).toBe(0);
    expect(await hasRecord(site)).toBe(false);
  });

  test('do not delay a rotation when the API does not answer, and are retried', async () => {
    const { site, api, rotateOn } = await createSiteWithTokens();
    await rotateOn();
    const before = api.asked.length;
    api.instead = () => ({ status: 503, body: { message: 'no' } });
    site.clock.jump(1000);
    expect(await site.pass()).toMatchObject({ problems: [] });
    // One request per follow-up: the next poll does not wait for the others.
    expect(api.asked.length - before).toBe(2);
    expect(await notesOf(site)).toContain('503');
    api.instead = () => undefined;
    await look(site, 2 * MINUTE);
    await look(site);
    expect(await hasRecord(site)).toBe(false);
  });

  test('are new before the workloads are restarted', async () => {
    const { site, api } = await createSiteWithTokens();
    await site.node.configure({ workloads: { restart: true } });
    api.add('deployments', 'shop', 'web');
    api.instead = ({ path }) => {
      // kube-controller-manager has been restarted by now.
      if (path.startsWith('/api/v1/secrets')) api.signer = createPrivateKey(signerOf(site));
      return undefined;
    };
    await rotate(site);
    const patched = api.asked.flatMap(({ method, path }) =>
      method === 'PATCH' ? (/\/(serviceaccounts|deployments)\//.exec(path)?.[1] ?? []) : [],
    );
    expect(patched).toEqual(['serviceaccounts', 'serviceaccounts', 'deployments']);
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

/** Makes a cluster whose config map contains the former and the current CAs, with these other API servers. */
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
  // Any request makes the API server add its own.
  api.clientCas = casOf(site);
  await look(site, 0);
  return { site, api, former };
}

describe('the client CAs that aggregated API servers trust', () => {
  test('are only the new ones after every API server has retired, as a later look confirms', async () => {
    const { site, api } = await createSiteWithTrust();
    expect(heldBy(api)).toEqual(present(site));
    expect(patches(api, NAME)).toBe(1);
    expect(await hasRecord(site)).toBe(true);
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
    expect(await notesOf(site)).toContain(`127.0.0.1:${port}`);
  });

  test('stay while an API server is unreachable, or none is known', async () => {
    const { site, api } = await createSiteWithTrust([9]);
    expect(patches(api, NAME)).toBe(0);
    expect(await notesOf(site)).toContain('127.0.0.1:9');
    api.core.remove('endpoints', 'default', 'kubernetes');
    await look(site, 2 * MINUTE);
    expect(patches(api, NAME)).toBe(0);
    expect(await notesOf(site)).not.toContain('127.0.0.1:9');
  });

  test('are reported and retried while an API server adds the old CA again', async () => {
    const { site, api, former } = await createSiteWithTrust();
    const key = 'client-ca-file';
    api.clientCas = { [key]: `${former[key]}${casOf(site)[key]}` };
    await look(site, 3 * MINUTE);
    expect(await hasRecord(site)).toBe(true);
    await look(site, MINUTE);
    expect(patches(api, NAME)).toBe(1);
    api.clientCas = casOf(site);
    await look(site, 10 * MINUTE);
    await look(site, 3 * MINUTE);
    expect(heldBy(api)).toEqual(present(site));
    expect(await hasRecord(site)).toBe(false);
  });

  test('stay in trust and reissue, and without such a config map', async () => {
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

test('does no work in the cluster on a worker', async () => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await hasRecord(site)).toBe(false);
});
