import { createServer } from 'node:http';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Instrument } from '../../agent/compose.ts';
import { token } from '../cloud/client.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { FORMER } from '../../agent/credentials/former.ts';
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
import { objectsOf, stockCluster } from './support/cluster-login.ts';
import { cli } from './support/cli.ts';
import { HEAT_PARAMS, newTrustee, trusteeOf } from './support/trustee.ts';
import { eventually } from './support/eventually.ts';
import { createSite, type Site, type SiteSpec } from './support/site.ts';

const cloud = await cloudForFile();

/** A node whose secrets are all known, with all output of its program. */
type Aviary = {
  site: Site;
  canaries: Canaries;
  speech: Speech;
  run(...argv: string[]): Promise<number>;
  /** Answers requests to this path with their own content; undefined: stops doing so. */
  echo(path: RegExp | undefined, status: number): void;
  /** Lists where which secret was found. */
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
  'a successful rotation shows no secret (%s)',
  async (signalTransport) => {
    const { site, run, search } = await createAviary({ role: 'master', server: { signalTransport } });
    await cloud.rotateCa(site.cluster);
    expect(await run('run-once', '--dry-run')).toBe(0);
    expect(await run('run-once')).toBe(0);
    expect(await search()).toEqual([]);
  },
);

test('redacts keys and passwords that a unit prints into its journal', async () => {
  const { site, canaries, run, search } = await createAviary({ role: 'master', layout: 'kubernetes-pki' });
  await cloud.rotateCa(site.cluster);
  await run('plan');
  // The journal is cut to its last lines, which may cut off the start of a key. The program no longer knows the former
  // run's tokens.
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

test('a change of credentials shows neither login, nor what the API of the cluster holds', async () => {
  const { site, canaries, run, search } = await createAviary({
    role: 'master',
    config: { workloads: { per_second: 100 } },
  });
  const former = (await site.node.read(HEAT_PARAMS)).match(/^TRUSTEE_PASSWORD="(.*)"$/m)?.[1] ?? '';
  const old = { ...trusteeOf(site), trustee_password: former };
  const api = stockCluster(old, cloud.authUrl);
  const odd = Buffer.from(`<p>${former}</p>`).toString('base64');
  api.core.put('secrets', 'shop', 'odd', { type: 'Opaque', data: { xml: odd } });
  site.node.units.serve('kube-apiserver', api.listener);
  const fresh = newTrustee(cloud, trickyPassword('fresh').replace("'", ''));
  canaries.set('the fresh trustee', fresh.trustee_password);
  const file = join(site.node.root, 'new.json');
  await site.node.write('new.json', JSON.stringify(fresh), 0o600);
  for (const more of [['--dry-run'], ['--json'], []])
    expect(await run('credentials', '--from', file, ...more)).toBe(0);
  expect(objectsOf(api)['secrets/os-trustee']).toMatchObject({
    'os-trusteePassword': fresh.trustee_password,
  });
  expect((await site.files('/var/lib/coe-agent')).get(FORMER)?.mode).toBe(0o600);
  for (const way of [['--where'], ['--where', '--json']]) expect(await run('credentials', ...way)).toBe(0);
  // No line of heat-params can hold the former password.
  for (const way of [['--back', '--dry-run'], ['--back']]) expect(await run('credentials', ...way)).toBe(2);
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
] as const)('%s is not quoted when it repeats the request (%s, %i)', async (_, path, status) => {
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

test.each([401, 500])("a verb's audit does not quote what Keystone repeats (%i)", async (status) => {
  const { run, search, speech, echo } = await createAviary();
  echo(/auth\/tokens/, status);
  for (const _ of ['plainly', 'as JSON']) expect(await run('make-cert', '--force')).not.toBe(0);
  echo(undefined, 0);
  expect(await search()).toEqual([]);
  expect(speech.get('/var/log/coe-agent/audit.jsonl')).toContain('"why"');
});

test('names an unreachable pre-signed address without its signature', async () => {
  const { site, run, search } = await createAviary({ server: { signalTransport: 'CFN_SIGNAL' } });
  await cloud.rotateCa(site.cluster);
  await run('plan');
  cloud.fault({ service: 'cfn', effect: { kind: 'reset', when: 'before' } });
  expect(await run('run-once')).toBe(3);
  expect(await run('status')).toBe(1);
  cloud.clearFaults();
  expect(await run('run-once')).toBe(0);
  expect(await search()).toEqual([]);
});

test('stores no keystone_token', async () => {
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
  'reports metadata with %s without its secrets',
  async (how) => {
    const { site, canaries, run, search } = await createAviary();
    const password = trickyPassword('local');
    canaries.set('local', password);
    const inputs = [{ name: 'deploy_password', value: password }];
    const text = JSON.stringify({ deployments: [{ inputs, id: 'x' }] });
    const broken =
      how === 'a stray word' ? text.replace('"}]', '"oops}]') : text.slice(0, text.indexOf('"}]'));
    await site.node.write('/var/lib/os-collect-config/local-data/bad.json', broken);
    // Short enough for the first characters, which a message quotes.
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

test("reveals a proxy's password only to the proxy", async () => {
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

test('does not quote a password that YAML reads as a number', async () => {
  const { site, canaries, run, search } = await createAviary();
  canaries.set('number', '4711081500');
  const { heat } = site.cluster.collectConfig(site.server);
  await site.node.configure({ heat: { ...heat, password: 4_711_081_500 } });
  expect(await run('run-once')).toBe(2);
  await site.node.configure({ heat });
  expect(await search()).toEqual([]);
});

/** Prints the environment variable `NAME` in the forms that occur in shell scripts. */
const LEAKY = `#!/bin/bash
set -x
leak() {
  printf '%s\n' "$1"
  printf '%q\n' "$1"
  declare -p 1 2>/dev/null
  printf '%s' "$1" | base64
  echo "$1" | base64 -w0
  printf 'user:%s' "$1" | base64
  printf 'ab%sc' "$1" | base64
  printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'
  echo
}
for name in $NAMES; do leak "\${!name}"; done
`;

test('redacts secrets that a script prints in every form', async () => {
  const { site, canaries, run, search } = await createAviary();
  const values: Record<string, unknown> = {
    db_password: trickyPassword('db'),
    passwd: trickyPassword('passwd'),
    pwd: 'pwd-canary',
    passphrase: 'a phrase of canaries',
    api_key: 'api-canary/+',
    auth: 'auth-canary',
    multi_secret: 'first canary line\n  second canary line\nthird: canary line',
    credentials: { user: 'user-canary', list: ['list-canary', 4_711_081_500] },
    tokens: ['one-canary', 'two "canary"'],
    secret_number: 1_234_567_890_123,
    plain: { nested: { password: 'nested-canary' } },
  };
  const noteLeaves = (name: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null)
      for (const [key, one] of Object.entries(value)) noteLeaves(`${name}.${key}`, one);
    else for (const line of String(value).split('\n')) canaries.set(`${name} ${line}`, line.trim());
  };
  for (const [name, value] of Object.entries(values)) noteLeaves(name, value);
  cloud.deploy(site.cluster, site.server, {
    group: 'script',
    config: LEAKY,
    inputs: [...Object.keys(values), 'NAMES'].map((name) => ({ name })),
    values: { ...values, NAMES: Object.keys(values).join(' ') },
  });
  expect(await run('run-once', '--json')).toBe(0);
  expect(site.signals()[0]?.body?.['deploy_stdout']).toContain('***');
  expect(await search()).toEqual([]);
});

test('redacts a short secret that stands alone', async () => {
  const { site, canaries, run, search } = await createAviary();
  for (const said of ['pin=8151', '"8151"', ' 8151 ', "'8151'"]) canaries.set(said, said);
  cloud.deploy(site.cluster, site.server, {
    group: 'script',
    config: `#!/bin/bash\nset -x\necho "pin=$pin \\"$pin\\" '$pin' port $pin ok"\n`,
    inputs: [{ name: 'pin' }],
    values: { pin: 8151 },
  });
  expect(await run('run-once')).toBe(0);
  expect(site.signals()[0]?.body?.['deploy_stdout']).toBe(`pin=*** "***" '***' port *** ok\n`);
  expect(await search()).toEqual([]);
});

test('redacts a live token that a script prints, from any issuer', async () => {
  const { site, canaries, run, search } = await createAviary();
  const fernet = `gAAAAABn${'aB3_-'.repeat(34)}==`;
  canaries.set('fernet', fernet);
  canaries.set('uuid', '5f1cbd8d1a9f4f7d');
  cloud.deploy(site.cluster, site.server, {
    group: 'script',
    config: `#!/bin/bash\nset -x\ntrue -H "X-Auth-Token: 5f1cbd8d1a9f4f7d"\necho 'X-Subject-Token: 5f1cbd8d1a9f4f7d'\nexport OS_TOKEN=5f1cbd8d1a9f4f7d\necho ${fernet} >&2\n`,
  });
  expect(await run('run-once')).toBe(0);
  expect(await search()).toEqual([]);
});

test.each([65_530, 131_066])('redacts a secret across byte %i of a line', async (before) => {
  const { site, canaries, run, search } = await createAviary();
  canaries.set('across', 'canary-across-the-boundary');
  // Neither half of the cut secret may show.
  canaries.set('its beginning', 'canary');
  canaries.set('its end', 'across-the-boundary');
  cloud.deploy(site.cluster, site.server, {
    group: 'script',
    config: `#!/bin/sh\nprintf "%${before}s%s" "" "$db_password"; printf '%9000s' ''`,
    inputs: [{ name: 'db_password' }],
    values: { db_password: 'canary-across-the-boundary' },
  });
  expect(await run('run-once')).toBe(0);
  expect(await search()).toEqual([]);
});

test('redacts the rest of a secret at the cut of long output', async () => {
  const { site, canaries, run, search } = await createAviary();
  canaries.set('its end', 'behind-the-cut');
  cloud.deploy(site.cluster, site.server, {
    group: 'script',
    // The last 2^20 bytes are kept: all but "canary-".
    config: `#!/bin/sh\nprintf '%s' "$db_password"; printf '%1048562s' ''`,
    inputs: [{ name: 'db_password' }],
    values: { db_password: 'canary-behind-the-cut' },
  });
  expect(await run('run-once', '--json')).toBe(0);
  expect(await search()).toEqual([]);
});

test("redacts a deployment's secrets in a run that ends while the agent is down", async () => {
  const { site, canaries, run, search } = await createAviary({ server: { signalTransport: 'HEAT_SIGNAL' } });
  canaries.set('input', 'canary-of-an-input');
  cloud.deploy(site.cluster, site.server, {
    group: 'script',
    config: '#!/bin/sh\nwhile [ ! -e ../go ]; do sleep 0.05; done\necho "$db_password"',
    inputs: [{ name: 'db_password' }],
    values: { db_password: 'canary-of-an-input' },
  });
  const stopped = new AbortController();
  const hands = await site.start();
  const { pass, newMemory } = await import('../../agent/pass.ts');
  const first = pass(
    { ...hands, progress: (event) => void (event.event === 'step' && stopped.abort()) },
    newMemory(),
    stopped.signal,
  );
  await expect(first).rejects.toMatchObject({ code: 'aborted' });
  const [id = ''] = await hands.runs.runs.list();
  await site.node.write(`/var/lib/coe-agent/runs/${id}/go`, '');
  await eventually('the run ends', async () => (await hands.runs.runs.look(id)).is === 'ended');
  // The metadata is not read before the run has ended.
  cloud.fault({ service: 'heat', method: 'GET', effect: { kind: 'answer', status: 503 } });
  onTestFinished(cloud.clearFaults);
  await run('run-once');
  cloud.clearFaults();
  await run('run-once');
  expect(site.signals().at(-1)?.body?.['deploy_stdout']).toBe('***\n');
  expect(await search()).toEqual([]);
});
