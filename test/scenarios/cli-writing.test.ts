import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { at, parseObject } from '../cloud/exchange.ts';
import { certificateAt, isSignedBy, keyFits } from './support/certificates.ts';
import { cli } from './support/cli.ts';
import { lastError } from './support/last-error.ts';
import { badIn } from './support/doctor.ts';
import { unreadableCopies } from './support/unreadable-copies.ts';
import { createSite } from './support/site.ts';

const cloud = await cloudForFile();

const KUBELET = '/etc/kubernetes/certs/kubelet';

describe('agent make-cert', () => {
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
    expect(again.stdout).toContain('nothing to do');
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
    expect((await site.files()).get(`${KUBELET}.crt`)?.content).not.toBe(
      mended.get(`${KUBELET}.crt`)?.content,
    );
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
});

describe('agent rollback', () => {
  test('does nothing without a rotation under way', async () => {
    const site = await createSite(cloud);
    const before = await site.files();
    const { code, stdout } = await cli(site, ['rollback']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('nothing to roll back')]);
    expect(await site.files()).toEqual(before);
  });

  test('restores a stuck node, which reports its state and does not loop', async () => {
    const site = await createSite(cloud);
    const before = await site.files();
    site.node.units.breakUnit('kubelet', 'fails to start');
    await cloud.rotateCa(site.cluster);
    const failed = await cli(site, ['run-once'], unreadableCopies);
    expect(failed.code).toBe(1);
    expect(await lastError(site)).toMatchObject({ node: 'stuck' });
    expect(site.signals()).toMatchObject([{ accepted: true, body: { deploy_status_code: 1 } }]);
    expect(String(at(site.signals()[0]?.body, 'deploy_stderr'))).toContain('agent rollback');
    expect(JSON.parse((await cli(site, ['status', '--json'])).stdout)).toMatchObject({
      interrupted: { recovery: 'wait-for-person' },
    });

    const restarts = site.restarts().length;
    for (const verb of ['plan', 'run-once']) {
      const { code, stdout } = await cli(site, [verb]);
      expect(code).toBe(1);
      expect(stdout).toContain('the node is stuck');
      expect(stdout).not.toContain('nothing to do');
    }
    expect(site.restarts()).toHaveLength(restarts);
    const inVain = await cli(site, ['rollback'], unreadableCopies);
    expect(inVain.code).toBe(1);
    expect(inVain.stdout).not.toMatch(/^rolled back/m);

    site.node.units.mend('kubelet');
    expect(await cli(site, ['rollback'])).toMatchObject({ code: 0 });
    expect(await site.files()).toEqual(before);
    expect(site.restarts().slice(restarts)).toEqual(['kubelet']);
    // Magnum has no old CA to go back to.
    expect(await badIn(site)).toEqual([['authority', `openstack coe ca rotate ${site.cluster.uuid}`]]);
    expect(site.signals()).toHaveLength(1);
  });
});
