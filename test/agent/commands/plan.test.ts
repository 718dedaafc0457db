import { expect, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import type { CustomDeployment } from '../../cloud/custom-deployment.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite, type SiteSpec } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

test.each<[string, SiteSpec, CustomDeployment, object]>([
  [
    'a rotation',
    { layout: 'kubeadm' },
    { group: 'coe-rotate' },
    {
      verdict: 'planned',
      code: 'change',
      layout: 'kubeadm',
      role: 'worker',
      limitCodes: ['ca-keys-stay', 'static-pods'],
    },
  ],
  [
    'an action without work',
    {},
    { group: 'coe-rotate', action: 'DELETE' },
    { verdict: 'planned', code: 'action-asks-nothing', limitCodes: [] },
  ],
  [
    'a group without a hook',
    {},
    { group: 'ansible' },
    { verdict: 'unserved', code: 'no-hook', limitCodes: [] },
  ],
  [
    'a phase that does not exist',
    {},
    { group: 'coe-rotate', inputs: [{ name: 'phase' }], values: { phase: 'half' } },
    { verdict: 'refused', code: 'bad-deployment', limitCodes: [] },
  ],
])('names the planned steps by code: %s', async (_, spec, asked, wanted) => {
  const site = await createSite(cloud, spec);
  cloud.deploy(site.cluster, site.server, asked);
  const { stdout } = await cli(site, ['plan', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ deployments: [wanted] });
});

test('names the layout of the node and why it was chosen, without a deployment', async () => {
  const site = await createSite(cloud, { layout: 'kubeadm' });
  const { stdout } = await cli(site, ['plan']);
  expect(stdout).toContain('layout kubeadm (configured), worker: ');
});
