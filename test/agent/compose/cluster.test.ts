import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openClusterWith } from '../../../agent/compose/cluster.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createRetry } from '../../../src/base/retry.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { createKeystone } from '../../../src/openstack/keystone.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER, testClock } from '../../src/support/clock.ts';
import { captured, fakeHttp, type Reply } from '../../src/support/fake-http.ts';
import { jsonObject } from '../../src/support/fixtures.ts';
import { faultIn } from '../../src/support/outcome-of.ts';

const PARAMS = {
  AUTH_URL: 'http://keystone:5000/v3',
  MAGNUM_URL: 'http://magnum:9511/v1',
  CLUSTER_UUID: 'c-1',
  TRUSTEE_USER_ID: 'u-1',
  TRUSTEE_PASSWORD: 'geheim-7',
  TRUST_ID: 't-1',
};
const TOKEN = captured('keystone-trust-token.json');
const CA = captured('magnum-ca-etcd.json');
const BUSY: Reply = { status: 503 };
const PATIENCE_SECONDS = 60;
const pemOf = (pem: string) => new X509Certificate(pem);

type Spec = { params?: Record<string, string>; token?: string; patient?: boolean };

/** Opens the cluster of a node whose cloud gives these answers in turn. */
async function open(replies: readonly Reply[], { params = {}, token, patient = true }: Spec = {}) {
  const { http, asked } = fakeHttp(...replies);
  const clock = testClock(Date.parse('2026-11-21T00:48:00Z'));
  const { hands } = await createHands({ config: [`cloud: { patience_seconds: ${PATIENCE_SECONDS} }`] });
  const keystone = createKeystone({ http, clock, secrets: createSecrets() });
  const retry = createRetry({ clock, random: () => 1, onRetry: () => undefined });
  const openCluster = openClusterWith(hands.config, keystone, http, retry);
  const all = new Map(Object.entries({ ...PARAMS, ...params }));
  const cluster = openCluster(all, token, NEVER, ...(patient ? [] : [{ patient }]));
  const authOf = (index: number) => jsonObject(asked[index]?.body?.toString() ?? '{}')['auth'];
  return { cluster, asked, clock, authOf };
}

describe('the login', () => {
  test('is the trustee with its trust', async () => {
    const { cluster, asked, authOf } = await open([TOKEN]);
    await cluster;
    expect(asked.map(({ url }) => url)).toEqual(['http://keystone:5000/v3/auth/tokens']);
    expect(authOf(0)).toEqual({
      identity: { methods: ['password'], password: { user: { id: 'u-1', password: 'geheim-7' } } },
      scope: { 'OS-TRUST:trust': { id: 't-1' } },
    });
  });

  test('has no scope without a trust', async () => {
    const { cluster, authOf } = await open([TOKEN], { params: { TRUST_ID: '' } });
    await cluster;
    expect(authOf(0)).not.toHaveProperty('scope');
  });

  test('is the application credential if the node has one', async () => {
    const params = { APPLICATION_CREDENTIAL_ID: 'ac-1', APPLICATION_CREDENTIAL_SECRET: 'ac-secret' };
    const { cluster, authOf } = await open([TOKEN], { params });
    await cluster;
    expect(authOf(0)).toEqual({
      identity: {
        methods: ['application_credential'],
        application_credential: { id: 'ac-1', secret: 'ac-secret' },
      },
    });
  });

  test('is not needed with the token of a deployment', async () => {
    const { cluster, asked } = await open([CA], { token: 'of-the-deployment' });
    expect(asked).toEqual([]);
    await (await cluster).readCa('etcd', pemOf);
    expect(asked).toMatchObject([{ headers: { 'x-auth-token': 'of-the-deployment' } }]);
  });

  test('waits for a Keystone that is down, unless a person waits', async () => {
    const patient = await open([BUSY, BUSY, TOKEN]);
    await patient.cluster;
    expect(patient.asked).toHaveLength(3);
    const hasty = await open([BUSY, TOKEN], { patient: false });
    expect(await faultIn(hasty.cluster)).toMatchObject({ code: 'cloud-unreachable' });
    expect(hasty.asked).toHaveLength(1);
  });

  test('ends its patience at the configured time', async () => {
    const { cluster, clock } = await open([BUSY]);
    expect(await faultIn(cluster)).toMatchObject({ code: 'cloud-unreachable' });
    expect(clock.elapsed()).toBeLessThanOrEqual(PATIENCE_SECONDS * 1000);
  });

  test('that Keystone refuses is not repeated', async () => {
    const { cluster, asked } = await open([captured('keystone-wrong-password.json')], { patient: false });
    expect(await faultIn(cluster)).toMatchObject({ code: 'login-refused', reason: 'http-401' });
    expect(asked).toHaveLength(1);
  });
});

test('reads a CA of its cluster, with the token of its login', async () => {
  const { cluster, asked } = await open([TOKEN, CA]);
  const certificate = await (await cluster).readCa('etcd', pemOf);
  expect(certificate.toString().trim()).toBe(String(jsonObject(CA.text ?? '')['pem']).trim());
  expect(asked[1]).toMatchObject({
    url: 'http://magnum:9511/v1/certificates/c-1?ca_cert_type=etcd',
    headers: { 'x-auth-token': 'gAAAA-example' },
  });
});

const believe = (pem: string) => {
  if (pem === 'junk') throw new AgentError('bad-answer', 'no certificate');
  return pemOf(pem);
};

test('asks again for a certificate that is not believed', async () => {
  const { cluster, asked } = await open([TOKEN, { ...CA, text: '{"pem":"junk"}' }, CA]);
  await (await cluster).readCa('etcd', believe);
  expect(asked).toHaveLength(3);
});

test('logs in again if Magnum does not accept the token any more', async () => {
  const { cluster, asked } = await open([TOKEN, { status: 401 }, TOKEN, CA]);
  await (await cluster).readCa('etcd', pemOf);
  expect(asked.map(({ url }) => url.split('/').at(-1))).toEqual([
    'tokens',
    'c-1?ca_cert_type=etcd',
    'tokens',
    'c-1?ca_cert_type=etcd',
  ]);
});

test('sends the CSR with the kind of CA', async () => {
  const { cluster, asked } = await open([TOKEN, captured('magnum-sign.json')]);
  await (await cluster).sign('kubelet', 'the CSR', pemOf);
  expect(asked[1]).toMatchObject({ method: 'POST', url: 'http://magnum:9511/v1/certificates' });
  expect(jsonObject(asked[1]?.body?.toString() ?? '')).toEqual({
    cluster_uuid: 'c-1',
    csr: 'the CSR',
    ca_cert_type: 'kubelet',
  });
});

test('names the roles of the login, and the trustee by a login without its trust', async () => {
  const { cluster, asked, authOf } = await open([TOKEN]);
  const opened = await cluster;
  expect(await opened.roles()).toEqual(['member', 'admin', 'reader']);
  expect(asked).toHaveLength(1);
  expect(await opened.user()).toEqual({ name: 'admin', domain: 'default' });
  expect(authOf(1)).not.toHaveProperty('scope');
});

const seeRegion = async (params: Record<string, string>) => {
  const { cluster } = await open([TOKEN], { params });
  await (await cluster).seeRegion();
};

describe('the region', () => {
  test('must have Magnum in the catalogue of the login', async () => {
    expect(await faultIn(seeRegion({ REGION_NAME: 'elsewhere' }))).toEqual({
      code: 'cloud-refused',
      reason: 'no-endpoint',
    });
    await seeRegion({ REGION_NAME: 'RegionOne' });
  });

  test('is not checked for a trustee without a trust, whose token has no catalogue', async () => {
    await seeRegion({ REGION_NAME: 'elsewhere', TRUST_ID: '' });
  });
});
