import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { cli } from './support/cli.ts';
import { createSite } from './support/site.ts';

const cloud = await cloudForFile();

/** hostname(5) */
test.each([
  ["# written by the site's configuration management\n\nworker-7\n", 'worker-7'],
  ['worker-3.prod.example.net.\n', 'worker-3.prod.example.net'],
])("with /etc/hostname %j, issues a worker's certificate for %s", async (text, name) => {
  const site = await createSite(cloud, { bare: true });
  await site.node.write('/etc/hostname', text);
  expect(await cli(site, ['make-cert'])).toMatchObject({ code: 0, stderr: '' });
  const pem = await site.node.read('/etc/kubernetes/certs/kubelet.crt');
  expect(new X509Certificate(pem).subjectAltName?.split(', ')).toContain(`DNS:${name}`);
});
