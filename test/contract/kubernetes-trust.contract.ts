import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { isTokenOf } from '../../src/certificates/service-account-token.ts';
import { podsOnFormerTokens, renewTokens, type SignedBy } from '../../src/services/legacy-tokens.ts';
import type { KubernetesTrust, LegacyToken, ServiceAccount } from '../../src/services/kubernetes-trust.ts';
import { createClusterCa } from '../cluster/authority.ts';
import { eventually } from '../scenarios/support/eventually.ts';
import type { KubernetesBench } from './kubernetes-bench.ts';

const MERGE = 'application/merge-patch+json';
const SECRETS = '/api/v1/namespaces/shop/secrets';

/** For tokens that replace the real ones. */
function signedBy(token: string): SignedBy {
  if (token === 'former') return 'accepted';
  return token === 'useless' ? 'none' : 'signer';
}

/** State of a rotation within the API: legacy tokens, and the client CAs of aggregated API servers. */
export function trustContract(bench: KubernetesBench): void {
  const { ask, abort, trust } = bench;

  async function tokenOf(name: string, api: KubernetesTrust = trust()): Promise<LegacyToken> {
    const found = (await api.legacyTokens(abort)).find((one) => one.name === name);
    if (!found) throw new Error(`no legacy Secret ${name}`);
    return found;
  }
  const isCurrent = (token: string): boolean => isTokenOf(token, bench.subject.serviceAccountKey);

  test("a Secret's token can be cleared, and the token controller signs another", async () => {
    await bench.subject.addLegacyToken('shop', 'ci');
    await eventually('it has a token', async () => isCurrent((await tokenOf('ci')).token));
    const before = await tokenOf('ci');
    const at = Date.parse('2026-11-28T12:00:00Z');
    expect(await trust().clearToken({ ...before, version: '1' }, at, abort)).toBe(false);
    expect(await trust().clearToken({ ...before, name: 'nowhere' }, at, abort)).toBe(false);
    expect((await tokenOf('ci')).clearedAt).toBeUndefined();
    expect(await trust().clearToken(before, at, abort)).toBe(true);
    await eventually('it has another token', async () => isCurrent((await tokenOf('ci')).token));
    expect(await tokenOf('ci')).toMatchObject({ namespace: 'shop', clearedAt: at });
  });

  test('only Secrets of that type are listed as legacy tokens', async () => {
    for (const { token } of await trust().legacyTokens(abort)) expect(token).not.toBe('plain');
  });

  test('a merge patch with another version is a conflict', async () => {
    const stale = await ask('PATCH', `${SECRETS}/ci`, { metadata: { resourceVersion: '1' } }, MERGE);
    expect(stale).toMatchObject({
      status: 409,
      body: {
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on secrets "ci": the object has been modified; please apply your changes to the latest version and try again',
      },
    });
    expect(await ask('PATCH', `${SECRETS}/nowhere`, {}, MERGE)).toMatchObject({
      status: 404,
      body: { message: 'secrets "nowhere" not found', details: { name: 'nowhere', kind: 'secrets' } },
    });
  });

  test('running pods are listed with the Secrets that they mount, ended ones are not', async () => {
    await bench.subject.addPod('shop', 'runs', 'ci');
    await bench.subject.addPod('shop', 'ended', 'ci', 'Succeeded');
    const pods = (await trust().pods(abort)).filter(({ name }) => ['runs', 'ended'].includes(name));
    expect(pods.map(({ namespace, name }) => [namespace, name])).toEqual([['shop', 'runs']]);
    expect(pods[0]?.secrets).toContain('ci');
    expect(pods[0]?.startedAt).toBe(Date.parse('2026-11-28T11:00:00Z'));
  });

  async function accountOf(name: string): Promise<ServiceAccount> {
    const found = (await trust().serviceAccounts(abort)).find((one) => one.name === name);
    if (!found) throw new Error(`no service account ${name}`);
    return found;
  }

  /** The Secret that new pods of a service account mount, once its token is signed. */
  async function given(account: string): Promise<LegacyToken> {
    let secret: LegacyToken | undefined;
    await eventually(`${account} has a token`, async () => {
      const [name] = (await accountOf(account)).secrets;
      secret = (await trust().legacyTokens(abort)).find((one) => one.name === name);
      return secret !== undefined && isCurrent(secret.token);
    });
    if (!secret) throw new Error('not before it is there');
    return secret;
  }

  test('a service account without Secrets in its list gets another, and the former token stays accepted', async () => {
    await bench.subject.addAccount('shop', 'robot');
    const before = await given('robot');
    expect(before.account).toBe('robot');
    const account = await accountOf('robot');
    expect(await trust().setSecrets({ ...account, version: '1' }, [], abort)).toBe(false);
    expect(await trust().setSecrets({ ...account, name: 'nowhere' }, [], abort)).toBe(false);
    expect((await accountOf('robot')).secrets).toEqual([before.name]);
    expect(await trust().setSecrets(account, [], abort)).toBe(true);
    const after = await given('robot');
    expect(after.name).not.toBe(before.name);
    expect(await tokenOf(before.name)).toMatchObject({ token: before.token, version: before.version });
    for (const { token } of [before, after]) expect(await bench.subject.accepts(token)).toBe(true);
  });

  test('the agent keeps a mounted token, gives new pods another, and has useless ones signed again', async () => {
    await bench.subject.addAccount('shop', 'runner');
    await bench.subject.addLegacyToken('shop', 'deploy');
    const mounted = await given('runner');
    await bench.subject.addPod('shop', 'job', mounted.name);
    await eventually('it has a token', async () => isCurrent((await tokenOf('deploy')).token));
    const useless = await tokenOf('deploy');
    // As if other keys had signed these two.
    const seen = { ...trust() };
    seen.legacyTokens = async (signal) =>
      (await trust().legacyTokens(signal)).map((one) => {
        if (one.name === mounted.name) return { ...one, token: 'former' };
        return one.name === 'deploy' && one.version === useless.version ? { ...one, token: 'useless' } : one;
      });
    const hands = { trust: seen, clock: systemClock, signedBy, otherSigner: async () => 'm-1' } as const;
    expect(await renewTokens(hands, abort)).toMatchObject({ code: 'elsewhere' });
    expect((await tokenOf('deploy')).version).toBe(useless.version);
    const own = { ...hands, otherSigner: async () => undefined };
    expect(await renewTokens(own, abort)).toMatchObject({ code: 'waits' });
    await eventually('all are signed', async () => (await renewTokens(own, abort)) === undefined);
    expect((await given('runner')).name).not.toBe(mounted.name);
    expect(await tokenOf(mounted.name)).toMatchObject({ token: mounted.token, version: mounted.version });
    expect((await tokenOf('deploy')).version).not.toBe(useless.version);
    const pods = podsOnFormerTokens(await seen.legacyTokens(abort), await trust().pods(abort), signedBy);
    expect(pods.map(({ name }) => name)).toEqual(['job']);
  });

  test('kube-apiserver adds its own client CAs to those of aggregated API servers, and removes none', async () => {
    await eventually('there is a config map', async () => (await trust().clientTrust(abort)) !== undefined);
    const before = await trust().clientTrust(abort);
    if (!before) throw new Error('no config map');
    const own = before.cas['client-ca-file'] ?? '';
    const other = createClusterCa('k1').pem;
    const cas = { ...before.cas, 'client-ca-file': other };
    expect(await trust().writeClientTrust({ version: '1', cas }, abort)).toBe(false);
    expect(await trust().writeClientTrust({ version: before.version, cas }, abort)).toBe(true);
    await eventually('it is back, beside the other', async () => {
      const held = (await trust().clientTrust(abort))?.cas['client-ca-file'] ?? '';
      return held.includes(own.trim()) && held.includes(other.trim());
    });
  });

  test('the endpoints of the Kubernetes API name each API server', async () => {
    await bench.subject.addEndpoints(['192.0.2.1', '192.0.2.2'], 6443);
    const servers = [
      { host: '192.0.2.1', port: 6443 },
      { host: '192.0.2.2', port: 6443 },
    ];
    for (const ask of [bench.subject.admin, bench.subject.proxy])
      expect(await trust(ask).apiServers(abort)).toEqual(servers);
    await expect(trust(bench.subject.stranger).apiServers(abort)).rejects.toMatchObject({
      code: 'cloud-refused',
    });
  });
}
