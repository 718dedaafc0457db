import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { serviceAccountParameters } from '../cloud/generation.ts';
import { createKeyPool } from '../cloud/key-pool.ts';
import { fixture } from '../src/support/fixtures.ts';
import { createSite, type Site, type SiteSpec } from './support/site.ts';
import { leftovers, nodeFiles } from './support/untouched.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { lastError } from './support/last-error.ts';

let cloud: Cloud;
let onePair: Record<string, string>;
let otherPair: Record<string, string>;
beforeAll(async () => {
  const keys = createKeyPool(1);
  [cloud, onePair, otherPair] = await Promise.all([
    startCloud(),
    serviceAccountParameters(keys),
    serviceAccountParameters(keys),
  ]);
});
afterAll(async () => {
  await cloud.close();
});

/** Updates the cluster's stack without a new CA. */
const update = (site: Site, parameters: Record<string, string> = onePair): void => {
  site.cluster.stack.update(parameters);
};

type Refusal = {
  what: string;
  spec?: SiteSpec;
  /** Breaks the node, the cloud or the deployment. */
  arrange(site: Site): void | Promise<void>;
  error: { code: ErrorCode; reason?: string };
  /** Words in deploy_stderr that identify the fault. */
  words?: (site: Site) => readonly string[];
  /** Signing requests that Magnum receives before the fault is detected. */
  signings: number;
};

const MASTER: SiteSpec = { role: 'master' };

const REFUSALS: readonly Refusal[] = [
  {
    what: 'a cluster without TLS',
    arrange: async (site) => {
      await site.setParams({ TLS_DISABLED: 'True' });
      update(site);
    },
    error: { code: 'precondition', reason: 'no-tls' },
    signings: 0,
  },
  {
    what: 'missing heat-params, all of them named at once',
    arrange: async (site) => {
      await site.setParams({
        MAGNUM_URL: undefined,
        TRUSTEE_USER_ID: '',
        INSTANCE_NAME: undefined,
        TRUSTEE_PASSWORD: '',
      });
      update(site);
    },
    error: { code: 'bad-heat-params', reason: 'values-missing' },
    words: () => [
      '/etc/sysconfig/heat-params',
      'MAGNUM_URL',
      'TRUSTEE_USER_ID',
      'INSTANCE_NAME',
      'TRUSTEE_PASSWORD',
    ],
    signings: 0,
  },
  {
    what: 'unreadable heat-params',
    arrange: async (site) => {
      const path = join(site.node.root, '/etc/sysconfig/heat-params');
      await rm(path);
      await mkdir(path);
      update(site);
    },
    error: { code: 'disk' },
    words: () => ['/etc/sysconfig/heat-params'],
    signings: 0,
  },
  {
    what: "a deleted trust: names the user, the trust and Keystone's answer",
    arrange: (site) => {
      cloud.deleteTrust(site.cluster);
      update(site);
    },
    error: { code: 'login-refused', reason: 'http-401' },
    words: ({ cluster }) => [
      `user ${cluster.trusteeUserId}`,
      `trust ${cluster.trustId}`,
      '401 The request you have made requires authentication.',
    ],
    signings: 0,
  },
  {
    what: "a trust whose trustor has lost a role, in Keystone's words",
    arrange: (site) => {
      cloud.breakTrust();
      update(site);
    },
    error: { code: 'login-refused', reason: 'http-403' },
    words: ({ cluster }) => [
      `user ${cluster.trusteeUserId}`,
      `trust ${cluster.trustId}`,
      '403 You are not authorized to perform the requested action.',
    ],
    signings: 0,
  },
  {
    what: "a CSR that Magnum does not like, in Magnum's own words",
    arrange: (site) => {
      const body = fixture('magnum-bad-csr.json');
      cloud.fault({ service: 'magnum', method: 'POST', effect: { kind: 'answer', status: 400, body } });
      update(site);
    },
    error: { code: 'cloud-refused', reason: 'http-400' },
    words: () => ['400', 'Received invalid csr'],
    signings: 2,
  },
  {
    what: 'masked service-account keys',
    spec: MASTER,
    arrange: (site) => {
      update(site, { kube_service_account_key: '******', kube_service_account_private_key: '******' });
    },
    error: { code: 'bad-deployment', reason: 'keys-masked' },
    signings: 0,
  },
  {
    what: 'service-account keys that do not match',
    spec: MASTER,
    arrange: (site) => {
      const { kube_service_account_private_key: foreign = '' } = otherPair;
      update(site, { ...onePair, kube_service_account_private_key: foreign });
    },
    error: { code: 'bad-deployment', reason: 'keys-no-pair' },
    signings: 0,
  },
  {
    what: 'half a pair of service-account keys',
    spec: MASTER,
    arrange: (site) => {
      update(site, { ...onePair, kube_service_account_key: '' });
    },
    error: { code: 'bad-deployment', reason: 'keys-half' },
    signings: 0,
  },
  {
    what: 'a node without a unit that its layout requires',
    spec: MASTER,
    arrange: (site) => {
      site.node.units.breakUnit('etcd', 'is missing');
      update(site);
    },
    error: { code: 'precondition', reason: 'unit' },
    words: () => ['etcd'],
    signings: 0,
  },
  {
    what: 'a masked unit, with the way to unmask it',
    arrange: (site) => {
      site.node.units.breakUnit('kubelet', 'is masked');
      update(site);
    },
    error: { code: 'precondition', reason: 'unit' },
    words: () => ['systemctl unmask kubelet'],
    signings: 0,
  },
  {
    what: 'a directory where a file belongs',
    arrange: async (site) => {
      const path = join(site.node.root, '/etc/kubernetes/certs/kubelet.key');
      await rm(path);
      await mkdir(path);
      update(site);
    },
    error: { code: 'precondition', reason: 'disk' },
    words: () => ['/etc/kubernetes/certs/kubelet.key'],
    signings: 0,
  },
];

test.each(REFUSALS)('reports to Heat and changes nothing: $what', async (refusal) => {
  const site = await createSite(cloud, refusal.spec);
  try {
    await refusal.arrange(site);
    const [before, requests] = [await nodeFiles(site), cloud.requests.length];
    await site.pass();

    const [signal, ...more] = site.signals();
    expect(more).toEqual([]);
    expect(signal?.accepted).toBe(true);
    const { deploy_status_code: code, deploy_stderr: words } = signal?.body ?? {};
    expect(code).toBe(1);
    expect(await lastError(site)).toEqual(refusal.error);
    for (const part of refusal.words?.(site) ?? []) expect(words).toContain(part);
    expect(String(words).trimEnd().split('\n')).toHaveLength(1);
    expect(await nodeFiles(site)).toEqual(before);
    expect(site.restarts()).toEqual([]);
    expect(await leftovers(site)).toEqual([]);
    const signings = cloud.requests
      .slice(requests)
      .filter(({ service, method }) => service === 'magnum' && method === 'POST');
    expect(signings).toHaveLength(refusal.signings);
  } finally {
    cloud.clearFaults();
    cloud.mendTrust();
  }
});

test('runs a rejected deployment when it is requested again and the fault is gone', async () => {
  const site = await createSite(cloud);
  site.node.units.breakUnit('kubelet', 'is masked');
  update(site);
  await site.pass();
  site.node.units.mend('kubelet');
  await cloud.settled(site.cluster);
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(site.signals().map(({ body }) => body?.['deploy_status_code'])).toEqual([1, 0]);
});

test('ignores unusable service-account keys on a node without such keys', async () => {
  const site = await createSite(cloud, { role: 'worker' });
  update(site, { kube_service_account_key: '******', kube_service_account_private_key: '******' });
  await site.pass();
  expect(site.signals().map(({ body }) => body?.['deploy_status_code'])).toEqual([0]);
});
