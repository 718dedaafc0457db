import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { parseObject } from '../cloud/exchange.ts';
import { cli } from './support/cli.ts';
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
