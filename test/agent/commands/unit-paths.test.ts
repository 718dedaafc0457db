import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cloudForFile } from '../../cloud/for-file.ts';
import { parseObject } from '../../cloud/exchange.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

const naming = (path: string): string =>
  `clusters: []\nusers:\n- name: u\n  user: { client-key: ${JSON.stringify(path)} }\n`;

test('writes no line that a path in a kubeconfig injects', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const { node } = site;
  const pem = await node.read('/etc/kubernetes/certs/admin.key');
  const injected = '/srv/a\nExecStartPre=+/bin/touch /root/owned\n#';
  for (const [index, directory] of [injected, '/srv/my certs', '/srv/100%n', '/srv/tools'].entries()) {
    await node.write(`${directory}/admin.pem`, pem);
    await node.write(`/etc/kubernetes/${index}.conf`, naming(`${directory}/admin.pem`));
  }
  // Paths in a file that others can change are ignored.
  await node.write('/opt/others/admin.pem', pem);
  await node.write('/etc/kubernetes/anybodys.conf', naming('/opt/others/admin.pem'));
  await chmod(join(node.root, '/etc/kubernetes/anybodys.conf'), 0o666);
  const { stdout } = await cli(site, ['unit-paths']);
  const written = stdout
    .split('\n')
    .filter((line) => /srv\/[^m]|my certs|opt\/others|ExecStartPre/.test(line));
  expect(written).toEqual([
    'ReadWritePaths=-/srv/100%%n',
    'ReadWritePaths="-/srv/my certs"',
    'ReadWritePaths=-/srv/tools',
  ]);
});

test('prints a drop-in with the writable paths of every layout, also without a configuration', async () => {
  const site = await createSite(cloud);
  await rm(join(site.node.root, 'etc'), { recursive: true });
  const { code, stdout } = await cli(site, ['unit-paths']);
  expect(code).toBe(0);
  const settings = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const paths = [
    '/etc/docker',
    '/etc/etcd',
    '/etc/kubernetes',
    '/etc/rexray',
    '/etc/sysconfig',
    '/srv/magnum/kubernetes/manifests',
    '/var/lib/kubelet',
    '/var/lib/os-collect-config',
  ];
  expect(settings).toEqual(['[Service]', ...paths.map((path) => `ReadWritePaths=-${path}`)]);
  const { stdout: json } = await cli(site, ['unit-paths', '--json']);
  expect(parseObject(json)).toEqual({ version: 1, paths });
});
