import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { parseObject } from '../../cloud/exchange.ts';
import { certificateAt, isSignedBy, keyFits } from '../../scenarios/support/certificates.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

const KUBELET = '/etc/kubernetes/certs/kubelet';

test('makes the first certificates without restarts, and nothing the second time', async () => {
  const site = await createSite(cloud, { role: 'master', bare: true });
  const first = await cli(site, ['make-cert']);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const files = await site.files();
  expect(keyFits(files, KUBELET)).toBe(true);
  expect(isSignedBy(certificateAt(files, `${KUBELET}.crt`), site.cluster.ca.kubernetes)).toBe(true);
  expect(site.restarts()).toEqual([]);

  const requests = cloud.requests.length;
  const again = await cli(site, ['make-cert']);
  expect(again.code).toBe(0);
  expect(await site.files()).toEqual(files);
  expect(cloud.requests).toHaveLength(requests);
  expect(parseObject((await cli(site, ['make-cert', '--json'])).stdout)).toMatchObject({
    made: false,
    reason: 'good-set',
  });
});

test('renews a set that lacks one file, and a valid set with --force', async () => {
  const site = await createSite(cloud);
  const before = await site.files();
  await rm(join(site.node.root, `${KUBELET}.key`));
  expect(parseObject((await cli(site, ['make-cert', '--json'])).stdout)).toMatchObject({ made: true });
  const mended = await site.files();
  expect(keyFits(mended, KUBELET)).toBe(true);
  expect(mended.get(`${KUBELET}.crt`)?.content).not.toBe(before.get(`${KUBELET}.crt`)?.content);
  await cli(site, ['make-cert', '--force']);
  expect((await site.files()).get(`${KUBELET}.crt`)?.content).not.toBe(mended.get(`${KUBELET}.crt`)?.content);
});

test('exits with 3 if the login is refused, and leaves no key behind', async () => {
  const site = await createSite(cloud, { bare: true });
  cloud.deleteTrust(site.cluster);
  const { code, stdout } = await cli(site, ['make-cert', '--json']);
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'login-refused', reason: 'http-401' } });
  expect(
    [...(await site.files('/')).values()].filter(({ content }) => content.includes('PRIVATE KEY')),
  ).toEqual([]);
});
