import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../../agent/config.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { agentErrorOf } from '../src/support/outcome-of.ts';
import { tempRoot } from '../src/support/temp-root.ts';
import {
  certificateAt,
  embeddedIn,
  isSignedBy,
  keyFits,
  namesOf,
  subjectOf,
} from './support/certificates.ts';
import { cli } from './support/cli.ts';
import { type Refusal, refusalOf } from './support/config.ts';
import { exampleLayout } from './support/example-layout.ts';
import { createSite } from './support/site.ts';
import { cloudConfig, newTrustee, trusteeOf } from './support/trustee.ts';

/** Custom layouts in YAML. */

const cloud = await cloudForFile();

/** The worked example of the documentation. */
const EXAMPLE = exampleLayout('registry');

async function load(files: Record<string, string>): ReturnType<typeof loadConfig> {
  const { disk, write } = await tempRoot();
  for (const [name, text] of Object.entries({ 'agent.yaml': 'collectors: [local]\n', ...files }))
    await write(join('/etc/coe-agent', name), text);
  return await loadConfig(disk, '/etc/coe-agent/agent.yaml', () => undefined);
}

const OWN = '/etc/coe-agent/layouts.d/own.yaml';

const refusal = async (text: string): Promise<Refusal> =>
  refusalOf(await agentErrorOf(load({ 'layouts.d/own.yaml': text })));

test("uses the documentation's example: found by its evidence, issued, replaced, restarted and proven", async () => {
  const site = await createSite(cloud, {
    role: 'master',
    layout: 'registry',
    config: { layout: 'auto' },
    bare: true,
  });
  await site.node.write('/etc/coe-agent/layouts.d/registry.yaml', EXAMPLE);
  await site.node.write('/etc/registry/tls/server.crt', 'none yet');
  await site.pass();
  await cloud.rotateCa(site.cluster);
  const plan = await site.node.agent('plan', '--json');
  expect(JSON.parse(plan.stdout)).toMatchObject({
    deployments: [
      {
        layout: 'registry',
        role: 'master',
        steps: expect.arrayContaining([
          expect.objectContaining({ code: 'restart', of: 'registry' }),
        ]) as unknown,
      },
    ],
  });

  const { settled } = await site.pass();
  expect(settled.map(({ outcome }) => outcome.stderr)).toEqual(['']);
  const files = await site.files('/etc/registry');
  const leaf = certificateAt(files, '/etc/registry/tls/server.crt');
  expect(isSignedBy(leaf, site.cluster.ca.kubernetes)).toBe(true);
  expect(keyFits(files, '/etc/registry/tls/server')).toBe(true);
  const name = site.cluster.heatParams('master')['INSTANCE_NAME'] ?? '';
  expect(subjectOf(leaf)).toBe(`CN=${name}, O=registries, OU=OpenStack/Magnum`);
  expect(namesOf(leaf)).toEqual([
    'DNS:registry.k1.local',
    `DNS:${name}`,
    'IP Address:10.0.0.5',
    'IP Address:127.0.0.1',
  ]);
  expect(files.get('/etc/registry/tls/server.key')).toMatchObject({ mode: 0o640 });
  const { ca, certificate } = embeddedIn(files.get('/etc/registry/kubeconfig')?.content ?? '');
  expect(ca).toBe(files.get('/etc/registry/tls/ca.crt')?.content);
  expect(certificate).toBe(files.get('/etc/registry/tls/server.crt')?.content);
  expect(site.restarts()).toEqual(['registry', 'registry-gc']);
});

test('accepts an inline layout of the configuration, which may be named', async () => {
  const text: unknown = parse(EXAMPLE);
  const { layouts } = await load({ 'agent.yaml': stringify({ layout: 'registry', layouts: [text] }) });
  const [own] = layouts;
  expect(layouts).toHaveLength(1);
  expect(own?.evidence).toEqual({ files: ['/etc/registry/tls/server.crt'], params: [] });
  // One table for all nodes: the role is irrelevant.
  expect(own?.roles.master).toBe(own?.roles.worker);
  expect(
    own?.roles.master.units.map(({ unit, required, deadlineSeconds }) => [unit, required, deadlineSeconds]),
  ).toEqual([
    ['registry', true, 30],
    ['registry-gc', false, undefined],
  ]);
});

const change = (from: string, to: string): string => {
  expect(EXAMPLE).toContain(from);
  return EXAMPLE.replace(from, to);
};
test("keeps one certificate in a signer's CA file in every phase, and blocks no phase", async () => {
  const signer = '      - { ca: kubernetes, file: /etc/registry/signer.crt, single: true }\n';
  const text = EXAMPLE.replace('      - ca: kubernetes', `${signer}      - ca: kubernetes`);
  const site = await createSite(cloud, {
    role: 'master',
    layout: 'registry',
    server: { inputs: { phase: 'phase' } },
    bare: true,
  });
  await site.node.write('/etc/coe-agent/layouts.d/registry.yaml', text);
  await cloud.rotateCa(site.cluster);
  await site.pass();
  const { stack } = site.cluster;
  const numbers = async (): Promise<number[]> => {
    const files = await site.files('/etc/registry');
    const { ca } = embeddedIn(files.get('/etc/registry/kubeconfig')?.content ?? '');
    return [
      files.get('/etc/registry/signer.crt')?.content ?? '',
      files.get('/etc/registry/tls/ca.crt')?.content ?? '',
      ca,
    ].map((pem) => pem.split('BEGIN CERTIFICATE').length - 1);
  };
  const first = await site.node.read('/etc/registry/signer.crt');
  await cloud.rotateCa(site.cluster);
  for (const [phase, expected, signs] of [
    ['trust', [1, 2, 2], first],
    ['reissue', [1, 2, 2], site.cluster.ca.kubernetes],
    ['retire', [1, 1, 1], site.cluster.ca.kubernetes],
  ] as const) {
    stack.update({ phase });
    const { settled } = await site.pass();
    expect(settled.map(({ outcome }) => outcome.stderr)).toEqual(['']);
    expect(await numbers(), phase).toEqual(expected);
    expect((await site.node.read('/etc/registry/signer.crt')).trim()).toBe(signs.trim());
    expect((await cli(site, ['certs'])).code, phase).toBe(0);
  }
});

const lineOf = (text: string, what: string): number => text.slice(0, text.indexOf(what)).split('\n').length;

describe('reports a fault with file, line and key', () => {
  test.each<[string, string, string, string, string, string?]>([
    [
      'an unknown key',
      'ca: kubernetes\n',
      'ca: kubernetes\n        colour: red\n',
      'colour',
      'roles.node.certificates.0.colour',
      'unknown-key',
    ],
    [
      'a type that Magnum does not know',
      'ca: kubernetes\n',
      'ca: kubelets\n',
      'ca: kubelets',
      'roles.node.certificates.0.ca',
    ],
    ['an unknown attribute', 'CN={INSTANCE_NAME}', 'UID=7', 'UID=7', 'roles.node.certificates.0.subject.0'],
    [
      'an unknown usage',
      'serverAuth',
      'serverauth',
      'serverauth',
      'roles.node.certificates.0.extended_key_usage.0',
    ],
    [
      'a mode that YAML reads as decimal',
      "'0640'",
      '0640',
      '0640',
      'roles.node.certificates.0.key_file.mode',
    ],
    [
      'a file without an absolute path',
      '/etc/registry/tls/ca.crt',
      'tls/ca.crt',
      'tls/ca.crt',
      'roles.node.authorities.0.file',
    ],
    [
      'a unit that systemctl would read as an option',
      'unit: registry\n',
      'unit: --force\n',
      'unit: --force',
      'roles.node.units.0.unit',
    ],
    [
      'a probe of an unknown certificate',
      'presents: server',
      'presents: sever',
      'presents: sever',
      'roles.node.units.0.probe.presents',
    ],
    [
      'a kubeconfig of an unknown certificate',
      'certificate: server',
      'certificate: sever',
      'certificate: sever',
      'roles.node.kubeconfigs.0.certificate',
    ],
    [
      'a CA file with one certificate, without another for verifiers',
      '/etc/registry/tls/ca.crt\n',
      '/etc/registry/tls/ca.crt\n        single: true\n',
      '        single: true',
      'roles.node.authorities.0.single',
    ],
    [
      'an unknown unit that verifies tokens',
      '    units:',
      '    service_account: { public_key_file: /a.pub, private_key_file: /a.key, verifiers: [registryy] }\n    units:',
      'verifiers: [registryy]',
      'roles.node.service_account.verifiers.0',
    ],
    [
      'an unknown unit that signs tokens',
      '    units:',
      '    service_account: { public_key_file: /a.pub, private_key_file: /a.key, signers: [registryy] }\n    units:',
      'signers: [registryy]',
      'roles.node.service_account.signers.0',
    ],
    [
      'a file in two rows',
      '/etc/registry/kubeconfig',
      '/etc/registry/tls/ca.crt',
      'file: /etc/registry/tls/ca.crt\n        create',
      'roles.node.kubeconfigs.0.file',
    ],
  ])('%s', async (_, from, to, place, key, reason = 'invalid') => {
    const text = change(from, to);
    expect(await refusal(text)).toEqual({ reason, source: OWN, line: lineOf(text, place), key });
  });

  test('a missing key, with the line of its parent', async () => {
    const text = change('        ca: kubernetes\n        subject', '        subject');
    expect(await refusal(text)).toEqual({
      reason: 'missing',
      source: OWN,
      line: lineOf(text, '- name: server'),
      key: 'roles.node.certificates.0.ca',
    });
    expect(await refusal('description: nothing\n')).toEqual({ reason: 'missing', source: OWN, key: 'name' });
  });

  test('in a layout of the configuration itself', async () => {
    const without: unknown = parse(change('        ca: kubernetes\n        subject', '        subject'));
    const error = await agentErrorOf(load({ 'agent.yaml': stringify({ layouts: [without] }) }));
    expect(refusalOf(error)).toEqual({
      reason: 'missing',
      source: '/etc/coe-agent/agent.yaml',
      line: expect.any(Number) as unknown,
      key: 'layouts.0.roles.node.certificates.0.ca',
    });
  });
});

test.each(['kubeadm', 'registry'])('rejects a second layout of the name %s', async (name) => {
  const second = EXAMPLE.replace('name: registry\n', `name: ${name}\n`);
  const error = await agentErrorOf(load({ 'layouts.d/a.yaml': EXAMPLE, 'layouts.d/b.yaml': second }));
  expect(refusalOf(error)).toEqual({ reason: 'layout-twice' });
  expect(error.message).toContain('/etc/coe-agent/layouts.d/b.yaml');
});

test('updates credentials in a file that a custom layout names, and restarts its reader', async () => {
  const site = await createSite(cloud, {
    layout: 'registry',
    config: { layouts: [parse(EXAMPLE)] },
  });
  const old = trusteeOf(site);
  await site.node.write('/etc/registry/cloud.conf', cloudConfig(old, cloud.authUrl));
  const fresh = newTrustee(cloud);
  const { code, stderr } = await cli(site, ['credentials', '--from', '-'], {}, JSON.stringify(fresh));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(await site.node.read('/etc/registry/cloud.conf')).toBe(cloudConfig(fresh, cloud.authUrl));
  expect(site.restarts().at(-1)).toBe('registry');

  const twice = EXAMPLE.replace('file: /etc/registry/cloud.conf', 'file: /etc/registry/tls/ca.crt');
  expect(await refusal(twice)).toMatchObject({ reason: 'invalid', key: 'roles.node.credentials.0.file' });
  expect(await refusal(EXAMPLE.replace('format: ini', 'format: toml'))).toMatchObject({
    reason: 'invalid',
    key: 'roles.node.credentials.0.format',
  });
});

test('agent unit-paths includes the layouts of layouts.d, and those of the configuration', async () => {
  const site = await createSite(cloud);
  await site.node.write('/etc/coe-agent/layouts.d/registry.yaml', EXAMPLE);
  const inline = EXAMPLE.replace('name: registry\n', 'name: other\n').replaceAll(
    '/etc/registry',
    '/opt/other',
  );
  await site.node.configure({ layouts: [parse(inline)], heat_params: '/etc/magnum/heat-params' });
  const { stdout } = await cli(site, ['unit-paths']);
  for (const path of ['/etc/registry', '/opt/other/tls', '/opt/other', '/etc/magnum'])
    expect(stdout).toContain(`ReadWritePaths=-${path}\n`);

  await site.node.configure({ keys: 'rsa-1' });
  const without = await cli(site, ['unit-paths']);
  expect(without).toMatchObject({ code: 0, stderr: expect.stringContaining('keys') as unknown });
  expect(without.stdout).toContain('ReadWritePaths=-/etc/registry\n');
});
