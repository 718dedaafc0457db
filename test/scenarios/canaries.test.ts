import { createServer } from 'node:http';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Instrument } from '../../agent/compose.ts';
import { token } from '../cloud/client.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import {
  type Canaries,
  createEcho,
  noteReaders,
  noteRecords,
  noteSaid,
  noteSecrets,
  noteTokens,
  sightings,
  type Speech,
  trickyPassword,
} from './support/canaries.ts';
import { cli } from './support/cli.ts';
import { createSite, type Site, type SiteSpec } from './support/site.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

/** A node whose every secret is known, and everything that its program says. */
type Aviary = {
  site: Site;
  canaries: Canaries;
  speech: Speech;
  run(...argv: string[]): Promise<number>;
  /** From now on requests to this path are answered with what they said; undefined: no more. */
  echo(path: RegExp | undefined, status: number): void;
  /** Where which secret was seen. */
  search(): Promise<string[]>;
};

async function createAviary(spec: SiteSpec = {}): Promise<Aviary> {
  const site = await createSite(cloud, spec);
  const trustee = cloud.identity.findUser(site.cluster.trusteeUserId);
  const password = trickyPassword('trustee');
  if (trustee) trustee.password = password;
  await site.setParams({ TRUSTEE_PASSWORD: password });
  const canaries: Canaries = new Map();
  const speech: Speech = new Map();
  const echo = createEcho();
  const instrument: Instrument = { http: (real) => noteTokens(canaries, echo.around(real)) };
  await noteSecrets(site, canaries);
  return {
    site,
    canaries,
    speech,
    echo: echo.set,
    run: async (...argv) => {
      await noteSecrets(site, canaries);
      const said = await cli(site, [...argv, '--log-level', 'debug'], instrument);
      noteSaid(argv.join(' '), said, speech);
      await noteSecrets(site, canaries);
      return said.code;
    },
    search: async () => {
      await noteReaders(site, speech, instrument);
      await noteRecords(site, speech);
      expect(canaries.size).toBeGreaterThan(4);
      expect([...speech.values()].join('').length).toBeGreaterThan(1000);
      return sightings(speech, canaries);
    },
  };
}

test.each(['HEAT_SIGNAL', 'CFN_SIGNAL'] as const)(
  'a rotation that succeeds shows no secret (%s)',
  async (signalTransport) => {
    const { site, run, search } = await createAviary({ role: 'master', server: { signalTransport } });
    await cloud.rotateCa(site.cluster);
    expect(await run('run-once', '--dry-run')).toBe(0);
    expect(await run('run-once')).toBe(0);
    expect(await search()).toEqual([]);
  },
);

test('a unit that prints keys and passwords into its journal gives nothing away', async () => {
  const { site, canaries, run, search } = await createAviary({ role: 'master', layout: 'kubernetes-pki' });
  await cloud.rotateCa(site.cluster);
  await run('plan');
  // The journal is cut to its last lines: a key loses its head there.
  // The tokens of the run before are nothing that a program could still know.
  const known = [...canaries].filter(([name]) => !name.startsWith('token'));
  const lines = known.flatMap(([, value]) => {
    const [, ...tail] = value.replaceAll(String.raw`\n`, '\n').split('\n');
    return tail.length > 0 ? tail : [value, JSON.stringify({ password: value })];
  });
  const journal = join(site.node.root, 'usr/bin/journalctl');
  await site.node.write('/usr/bin/journalctl', `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\n`);
  await chmod(journal, 0o755);
  site.node.units.breakUnit('kubelet', 'fails to start');
  expect(await run('run-once')).toBe(1);
  expect(site.signals()[0]?.body?.['deploy_stderr']).toContain('the last lines of the journal of kubelet');
  expect(await search()).toEqual([]);
});

test.each([
  ['Keystone', /auth\/tokens/, 401],
  ['Keystone', /auth\/tokens/, 500],
  ['Magnum', /\/v1\/certificates/, 403],
  ['Magnum', /\/v1\/certificates/, 500],
  ["Heat's metadata", /\/metadata$/, 500],
  ["Heat's signal", /\/signal$/, 403],
  ['the pre-signed address', /\/v1\/signal\//, 403],
] as const)('%s repeating what it was sent is not quoted word for word (%s, %i)', async (_, path, status) => {
  const signalTransport = path.source.includes('v1') ? 'CFN_SIGNAL' : 'HEAT_SIGNAL';
  const { site, run, search, echo } = await createAviary({ server: { signalTransport } });
  await cloud.rotateCa(site.cluster);
  await run('plan');
  for (const form of [[], ['--json'], [], ['--json']]) {
    echo(path, status);
    await run('run-once', ...form);
  }
  echo(undefined, 0);
  await run('run-once');
  expect(await search()).toEqual([]);
});

test('a pre-signed address that leads nowhere is named without its signature', async () => {
  const { site, run, search } = await createAviary({ server: { signalTransport: 'CFN_SIGNAL' } });
  await cloud.rotateCa(site.cluster);
  await run('plan');
  cloud.fault({ service: 'cfn', effect: { kind: 'reset', when: 'before' } });
  expect(await run('run-once')).toBe(3);
  expect(await run('status')).toBe(0);
  cloud.clearFaults();
  expect(await run('run-once')).toBe(0);
  expect(await search()).toEqual([]);
});

test('a keystone_token is kept nowhere', async () => {
  const { site, canaries, run, search, echo } = await createAviary();
  const { name, domain, password } = cloud.owner;
  const scope = { project: { id: cloud.project.id } };
  const issued = await token(cloud.authUrl, { name, domain: { id: domain.id }, password }, scope);
  cloud.deploy(site.cluster, site.server, {
    group: 'coe-rotate',
    inputs: [{ name: 'keystone_token' }],
    values: { keystone_token: issued },
  });
  await run('plan', '--json');
  echo(/certificates$/, 400);
  expect(await run('run-once')).toBe(1);
  expect([...canaries.values()]).toContain(issued);
  expect(await search()).toEqual([]);
});

test.each(['a stray word', 'its end missing'])(
  'metadata with %s is reported without its secrets',
  async (how) => {
    const { site, canaries, run, search } = await createAviary();
    const password = trickyPassword('local');
    canaries.set('local', password);
    const inputs = [{ name: 'deploy_password', value: password }];
    const text = JSON.stringify({ deployments: [{ inputs, id: 'x' }] });
    const broken =
      how === 'a stray word' ? text.replace('"}]', '"oops}]') : text.slice(0, text.indexOf('"}]'));
    await site.node.write('/var/lib/os-collect-config/local-data/bad.json', broken);
    // Short enough to stand in the first characters, which is what a message quotes.
    await site.node.write(
      '/var/lib/os-collect-config/local-data/short.json',
      `{"deploy_password":${JSON.stringify(password)} oops`,
    );
    expect(await run('run-once')).toBe(1);
    cloud.fault({
      service: 'heat',
      method: 'GET',
      effect: { kind: 'answer', body: `{"metadata":{"deploy_password":${JSON.stringify(password)} oops` },
    });
    onTestFinished(cloud.clearFaults);
    await run('run-once', '--json');
    expect(await search()).toEqual([]);
  },
);

test('the password of a proxy stays with the proxy', async () => {
  const { site, canaries, run, search } = await createAviary();
  await cloud.rotateCa(site.cluster);
  const password = 'proxy-c&nary';
  canaries.set('proxy', password);
  canaries.set('proxy login', `prox:${password}`);
  const proxy = createServer((request, response) => {
    const login = String(request.headers['proxy-authorization']).replace('Basic ', '');
    response.writeHead(407).end(`${login} is ${Buffer.from(login, 'base64').toString()}`);
  });
  // An HTTP proxy is asked for a tunnel.
  proxy.on('connect', (_, socket) => socket.end(`HTTP/1.1 407 no ${password}\r\n\r\n`));
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const address = proxy.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await site.setParams({
    HTTP_PROXY: `http://prox:${encodeURIComponent(password)}@127.0.0.1:${port}/`,
    NO_PROXY: '',
  });
  await run('run-once');
  await site.setParams({ HTTP_PROXY: `http://prox:${password}@nowhere.invalid:1/` });
  await run('run-once');
  await site.setParams({ HTTP_PROXY: `http://prox:${password}@:bad` });
  await run('run-once');
  expect(await search()).toEqual([]);
});

test('a password that YAML takes for a number is not quoted', async () => {
  const { site, canaries, run, search } = await createAviary();
  canaries.set('number', '4711081500');
  const { heat } = site.cluster.collectConfig(site.server);
  await site.node.configure({ heat: { ...heat, password: 4_711_081_500 } });
  expect(await run('run-once')).toBe(2);
  await site.node.configure({ heat });
  expect(await search()).toEqual([]);
});
