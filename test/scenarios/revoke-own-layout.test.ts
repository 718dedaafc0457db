import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../agent/config.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { createSigner, makeList, signLeaf } from '../src/support/crl.ts';
import { agentErrorOf } from '../src/support/outcome-of.ts';
import { tempRoot } from '../src/support/temp-root.ts';
import { cli } from './support/cli.ts';
import { type Refusal, refusalOf } from './support/config.ts';
import { listOf } from './support/lists.ts';
import { exampleLayout } from './support/example-layout.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';

/** Revocation lists for services with OpenSSL's rules, in a custom layout. */

const cloud = await cloudForFile();

const LIST = '/etc/registry/tls/clients.crl';
const REGISTRY = `${exampleLayout('registry')}    revocation_lists:
      - { ca: kubernetes, file: ${LIST}, unit: registry, named_in: [/etc/registry/config] }
`;

async function registry(): Promise<Site> {
  const site = await createSite(cloud, {
    role: 'master',
    layout: 'registry',
    config: { layout: 'registry' },
    bare: true,
  });
  await site.node.write('/etc/coe-agent/layouts.d/registry.yaml', REGISTRY);
  await site.node.write('/etc/registry/config', `crl-file ${LIST}\n`);
  await site.pass();
  await cloud.rotateCa(site.cluster);
  expect((await site.pass()).settled.map(({ outcome }) => outcome.stderr)).toEqual(['']);
  return site;
}

async function send(site: Site, pem: string, ...flags: string[]): ReturnType<typeof cli> {
  await site.node.write('/list.pem', pem);
  return await cli(site, ['revoke', '--crl', join(site.node.root, 'list.pem'), ...flags]);
}

test("rejects a CA that may sign no lists, such as Magnum's, before OpenSSL rejects every client", async () => {
  const site = await registry();
  const { code, stdout } = await send(site, (await listOf(site, { number: 1 }, 'kubernetes')).pem, '--json');
  expect(code).not.toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'precondition', reason: 'signer-may-not' } });
  expect((await site.files()).has(LIST)).toBe(false);
});

test('installs the list of a CA that may, as PEM, restarts the service, and rejects a rotation under it', async () => {
  const site = await registry();
  const signer = await createSigner(['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'keyCertSign,cRLSign');
  await site.node.write('/etc/registry/tls/ca.crt', signer.pem);
  const { cert, key } = await signLeaf(signer, 'A1');
  await site.node.write('/etc/registry/tls/server.crt', cert);
  await site.node.write('/etc/registry/tls/server.key', key);
  const { pem } = await makeList(signer, { number: 1, serials: ['66'] });
  const before = site.restarts().length;
  const { code, stdout, stderr } = await send(site, pem);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('/etc/registry/tls/server.crt');
  expect((await site.files()).get(LIST)).toMatchObject({ content: pem });
  expect(site.restarts().slice(before)).toEqual(['registry']);

  const files = await site.files();
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'list-outlived' });
  expect(await site.files()).toEqual(files);
});

const load = async (text: string) => {
  const { disk, write } = await tempRoot();
  await write('/etc/coe-agent/agent.yaml', 'collectors: [local]\n');
  await write('/etc/coe-agent/layouts.d/own.yaml', text);
  return await loadConfig(disk, '/etc/coe-agent/agent.yaml', () => undefined);
};

const refused = (key: string) => ({ reason: 'invalid', key: `roles.node.revocation_lists.0.${key}` });

test('accepts the example of a TLS terminator, and reports a list of an unknown CA or unit as a fault', async () => {
  const front = exampleLayout('front');
  const [layout] = (await load(front)).layouts;
  expect(layout?.roles.master.revocationLists).toEqual([
    {
      ca: 'kubernetes',
      file: {
        path: '/etc/nginx/tls/clients.crl',
        owner: 'root',
        group: 'root',
        mode: 0o644,
        directoryMode: 0o755,
      },
      unit: 'nginx',
      reader: 'openssl',
      namedIn: ['/etc/nginx/nginx.conf', '/etc/nginx/conf.d'],
    },
  ]);
  const refusal = async (from: string, to: string): Promise<Refusal> => {
    expect(front).toContain(from);
    return refusalOf(await agentErrorOf(load(front.replace(from, to))));
  };
  expect(await refusal('unit: nginx\n        reader', 'unit: httpd\n        reader')).toMatchObject(
    refused('unit'),
  );
  expect(await refusal('- ca: kubernetes\n        file', '- ca: etcd\n        file')).toMatchObject(
    refused('ca'),
  );
  expect(await refusal('/etc/nginx/tls/clients.crl', '/etc/nginx/tls/ca.crt')).toMatchObject(refused('file'));
});
