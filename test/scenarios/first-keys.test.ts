import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { parseObject } from '../cloud/exchange.ts';
import { cli } from './support/cli.ts';
import { runLoop } from './support/daemon.ts';
import { logged } from './support/logged.ts';
import { jsonObject } from '../src/support/fixtures.ts';
import { createSite, type Site } from './support/site.ts';

const cloud = await cloudForFile();

const PUBLIC = '/etc/kubernetes/certs/service_account.key';
const PRIVATE = '/etc/kubernetes/certs/service_account_private.key';

const flat = (pem: string | Buffer): string => String(pem).replaceAll('\n', String.raw`\n`);

/** Makes a pair as Magnum writes it into heat-params. */
function pairOnOneLine(): { KUBE_SERVICE_ACCOUNT_KEY: string; KUBE_SERVICE_ACCOUNT_PRIVATE_KEY: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    KUBE_SERVICE_ACCOUNT_KEY: flat(publicKey.export({ type: 'spki', format: 'pem' })),
    KUBE_SERVICE_ACCOUNT_PRIVATE_KEY: flat(privateKey.export({ type: 'pkcs1', format: 'pem' })),
  };
}

/** The file that make-cert.sh writes for a value. */
const echoed = (value: string): string =>
  execFileSync('bash', ['-c', 'echo -e "$1"', 'bash', value], { encoding: 'utf8' });

async function keysOf(site: Site): Promise<(string | undefined)[]> {
  const files = await site.files();
  return [PUBLIC, PRIVATE].map((path) => files.get(path)?.content.trimEnd());
}

const PAIR = pairOnOneLine();
const EXPECTED = [PAIR.KUBE_SERVICE_ACCOUNT_KEY, PAIR.KUBE_SERVICE_ACCOUNT_PRIVATE_KEY].map((value) =>
  echoed(value).trimEnd(),
);

/** Some lines of the private key. */
const PRIVATE_BODY = EXPECTED[1]?.split('\n')[3] ?? '';

/** Makes a master that has the pair of heat-params. */
async function withKeys(config: Record<string, unknown> = {}): Promise<Site> {
  const site = await createSite(cloud, { role: 'master', params: PAIR, config });
  expect((await cli(site, ['make-cert'])).code).toBe(0);
  expect(await keysOf(site)).toEqual(EXPECTED);
  return site;
}

describe('agent make-cert and the service-account keys of heat-params', () => {
  test("writes the pair with a master's first certificates", async () => {
    const site = await createSite(cloud, { role: 'master', bare: true, params: PAIR });
    expect(await cli(site, ['make-cert'])).toMatchObject({ code: 0, stderr: '' });
    expect(await keysOf(site)).toEqual(EXPECTED);
    expect((await site.files()).get(PRIVATE)).toMatchObject({ mode: 0o440 });
    expect(parseObject((await cli(site, ['make-cert', '--json'])).stdout)).toMatchObject({
      made: false,
      reason: 'good-set',
    });
  });

  test('writes only the pair if the certificates are valid', async () => {
    const site = await createSite(cloud, { role: 'master' });
    await site.setParams(PAIR);
    const [before, requests] = [await site.files(), cloud.requests.length];
    expect(parseObject((await cli(site, ['make-cert', '--json'])).stdout)).toMatchObject({ made: true });
    expect(await keysOf(site)).toEqual(EXPECTED);
    expect(cloud.requests).toHaveLength(requests);
    const after = await site.files();
    for (const [path, entry] of before) expect(after.get(path)).toEqual(entry);
  });

  test('keeps the newer pair of a rotation, also when it makes new certificates', async () => {
    // Its API server has not read any certificate yet.
    const config = { rotation: { phase: 'all' } };
    const site = await createSite(cloud, { role: 'master', params: PAIR, bare: true, config });
    await cli(site, ['make-cert']);
    await site.cluster.record.rotate();
    await site.pass();
    const rotated = await keysOf(site);
    expect(rotated).not.toEqual(EXPECTED);
    await cli(site, ['make-cert', '--force']);
    expect(await keysOf(site)).toEqual(rotated);
  });

  test('writes none on a worker, or without keys in heat-params', async () => {
    const worker = await createSite(cloud, { bare: true, params: PAIR });
    await cli(worker, ['make-cert']);
    const master = await createSite(cloud, { role: 'master', bare: true });
    await cli(master, ['make-cert']);
    expect([await keysOf(worker), await keysOf(master)]).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  test('rejects a mismatched pair before it makes anything', async () => {
    const KUBE_SERVICE_ACCOUNT_KEY = pairOnOneLine().KUBE_SERVICE_ACCOUNT_KEY;
    const params = { ...PAIR, KUBE_SERVICE_ACCOUNT_KEY };
    const site = await createSite(cloud, { role: 'master', bare: true, params });
    const before = await site.files();
    const { code, stderr } = await cli(site, ['make-cert']);
    expect(code).not.toBe(0);
    expect(stderr).not.toContain('PRIVATE KEY');
    expect(await site.files()).toEqual(before);
  });
});

describe('a service-account key file that is lost', () => {
  test.each([[[PRIVATE]], [[PUBLIC]], [[PUBLIC, PRIVATE]]])(
    'is made anew by agent repair: %j',
    async (lost) => {
      const site = await withKeys();
      for (const path of lost) await rm(join(site.node.root, path));
      const dry = await cli(site, ['repair', '--dry-run', '--json']);
      expect(dry.code).toBe(1);
      expect(dry.stdout).not.toContain(PRIVATE_BODY);
      const { changes, differences } = jsonObject(dry.stdout);
      for (const path of lost) {
        expect(differences).toContainEqual(
          expect.objectContaining({ code: 'service-account-missing', of: path }),
        );
        expect(changes).toContainEqual(expect.objectContaining({ file: path }));
      }
      expect(await cli(site, ['repair'])).toMatchObject({ code: 0 });
      expect(await keysOf(site)).toEqual(EXPECTED);
      expect((await site.files()).get(PRIVATE)).toMatchObject({ mode: 0o440 });
      expect(site.restarts()).toContain('kube-apiserver');
      expect((await cli(site, ['repair', '--dry-run'])).code).toBe(0);
    },
  );

  test('is made anew by the daemon with reconcile: all, and reported otherwise', async () => {
    for (const [reconcile, isMade] of [
      ['renew', false],
      ['all', true],
    ] as const) {
      const site = await withKeys({ reconcile });
      await rm(join(site.node.root, PRIVATE));
      await runLoop(site, { times: 2 });
      expect((await site.files()).has(PRIVATE)).toBe(isMade);
      expect(logged(site.log, 'differs-critical')).toContainEqual(
        expect.objectContaining({ difference: 'service-account-missing', of: PRIVATE }),
      );
    }
  });

  test('is not made of an outdated pair, and a rotation brings another one', async () => {
    const site = await withKeys({ rotation: { phase: 'all' }, service_account: { grace_seconds: 0 } });
    await site.cluster.record.rotate();
    await site.pass();
    const rotated = await keysOf(site);
    expect(rotated).not.toEqual(EXPECTED);
    for (const path of [PUBLIC, PRIVATE]) await rm(join(site.node.root, path));
    const { differences } = jsonObject((await cli(site, ['repair', '--json', '--force'])).stdout);
    for (const of of [PUBLIC, PRIVATE])
      expect(differences).toContainEqual(expect.objectContaining({ code: 'service-account-lost', of }));
    expect(await keysOf(site)).toEqual([undefined, undefined]);
    const made = jsonObject((await cli(site, ['make-cert', '--json'])).stdout);
    expect(made).toMatchObject({ error: { code: 'precondition', reason: 'keys-changed' } });
    const findings = jsonObject((await cli(site, ['doctor', '--json'])).stdout)['findings'];
    const next = expect.stringContaining('openstack coe ca rotate') as unknown;
    expect(findings).toContainEqual(
      expect.objectContaining({
        id: 'difference',
        reason: 'service-account-lost',
        of: PRIVATE,
        verdict: 'bad',
        next,
      }),
    );
    await site.cluster.record.rotate();
    expect(await site.pass()).toMatchObject({ settled: [{ outcome: { statusCode: 0 } }] });
    expect((await keysOf(site)).map((key) => typeof key)).toEqual(['string', 'string']);
  });
});
