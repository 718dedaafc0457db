import { once } from 'node:events';
import { access, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { logged } from '../scenarios/support/logged.ts';
import { startCloud } from '../cloud/cloud.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { at, isObject, parseObject } from '../cloud/exchange.ts';
import { rawDeployment } from '../src/support/deployments.ts';
import { listenForNotify } from '../scenarios/support/notify-socket.ts';
import { eventually } from '../scenarios/support/eventually.ts';
import { exampleLayout } from '../scenarios/support/example-layout.ts';
import { createSite, type Site } from '../scenarios/support/site.ts';
import { createCa } from '../src/support/openssl.ts';

/** Tests the daemon as a process of its own, with signals and systemd's notifications. */
const cloud = await cloudForFile();

/** Polls so rarely that a poll cannot cause the result. */
const NEVER_POLLS = { poll: { min_seconds: 600, max_seconds: 600 } };
const LOCAL = '/var/lib/os-collect-config/local-data';

type Daemon = { log(): string; kill(signal: NodeJS.Signals): void; ended: Promise<number | null> };

function startDaemon(site: Site): Daemon {
  const child = site.node.start('run');
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'close').then(() => child.exitCode);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { log: () => log, kill: (signal) => child.kill(signal), ended };
}

const passes = async (site: Site): Promise<string> =>
  await readFile(join(site.node.root, 'run/coe-agent/last-pass.json'), 'utf8').catch(() => '');

const byHand = (id: string): string => JSON.stringify({ deployments: [rawDeployment({}, { id })] });

test('wakes at once on each file in the local directory, even if the directory is new', async () => {
  const site = await createSite(cloud, { config: { collectors: ['local'], ...NEVER_POLLS } });
  const daemon = startDaemon(site);
  await eventually('the first pass', async () => (await passes(site)) !== '');
  for (const id of ['first', 'second']) {
    await site.node.write(`${LOCAL}/${id}.json`, byHand(id));
    await eventually(`the outcome of ${id}`, async () => {
      const entry = (await site.ledger()).find((one) => one.id === id);
      return entry?.state === 'signalled';
    });
  }
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test('wakes at once on a message in a queue through the websocket, also after the socket was lost', async () => {
  const site = await createSite(cloud, { server: { transport: 'ZAQAR_MESSAGE' }, config: NEVER_POLLS });
  const polling = site.cluster.pollerConfig(site.server);
  const section = at(polling, 'zaqar');
  await site.node.configure({
    ...polling,
    zaqar: { ...(isObject(section) ? section : {}), use_websockets: true },
  });
  const daemon = startDaemon(site);
  const { zaqarSocket } = cloud;
  await cloud.until(() => zaqarSocket.subscribed === 1);
  await cloud.rotateCa(site.cluster);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');

  zaqarSocket.refuse(true);
  zaqarSocket.drop();
  await cloud.until(() => zaqarSocket.subscribed === 0);
  await cloud.rotateCa(site.cluster); // the daemon is not notified of this one
  zaqarSocket.refuse(false);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
  const whys = logged(daemon.log(), 'retrying').map(({ why }) => why);
  expect(whys).toContainEqual(expect.stringContaining('1012'));
});

test('polls at once on SIGHUP', async () => {
  const site = await createSite(cloud, { config: NEVER_POLLS });
  const daemon = startDaemon(site);
  await eventually('the first pass', async () => (await passes(site)) !== '');
  await cloud.rotateCa(site.cluster);
  daemon.kill('SIGHUP');
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  expect(logged(daemon.log(), 'started').length).toBe(2);
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test('notifies systemd of each complete pass and the next deadline, of work, of a reload and of the end', async () => {
  const site = await createSite(cloud, {
    layout: 'kubernetes-pki',
    config: { poll: { min_seconds: 0.2, max_seconds: 0.2 } },
  });
  const systemd = listenForNotify(join(site.node.root, 'notify'));
  onTestFinished(systemd.close);
  Object.assign(site.node.env, { NOTIFY_SOCKET: join(site.node.root, 'notify'), WATCHDOG_USEC: '90000000' });
  const daemon = startDaemon(site);
  await eventually('the first pass', () => systemd.messages().length > 0);
  const [first] = systemd.messages();
  expect(first).toMatchObject({ READY: '1', WATCHDOG: '1', STATUS: 'idle, nothing to do' });
  const wait = Number(first?.['WATCHDOG_USEC']) - 90_000_000;
  expect(wait).toBeGreaterThanOrEqual(150_000);
  expect(wait).toBeLessThanOrEqual(250_000);

  await cloud.rotateCa(site.cluster);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  const working = systemd.messages().find(({ EXTEND_TIMEOUT_USEC: more }) => more !== undefined);
  expect(working).toEqual({ WATCHDOG: '1', EXTEND_TIMEOUT_USEC: '60000000' });

  daemon.kill('SIGHUP');
  await eventually('the reload', () => systemd.messages().some(({ RELOADING }) => RELOADING === '1'));
  const from = systemd.messages().findIndex(({ RELOADING }) => RELOADING === '1');
  expect(systemd.messages()[from]?.['MONOTONIC_USEC']).toMatch(/^\d+$/);
  await eventually('its end', () => systemd.messages().length > from + 1);
  expect(systemd.messages()[from + 1]).toEqual({ READY: '1' });

  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
  expect(systemd.messages().at(-1)).toMatchObject({ STOPPING: '1' });
});

test('is not ready while the cloud does not answer, and extends its start time-out with every pass', async () => {
  const site = await createSite(cloud, { config: { poll: { min_seconds: 0.2, max_seconds: 0.2 } } });
  const systemd = listenForNotify(join(site.node.root, 'notify'));
  onTestFinished(systemd.close);
  site.node.env['NOTIFY_SOCKET'] = join(site.node.root, 'notify');
  cloud.fault({ service: 'heat', effect: { kind: 'answer', status: 503, body: 'maintenance' } });
  onTestFinished(cloud.clearFaults);
  const daemon = startDaemon(site);
  await eventually('two passes', () => systemd.messages().length >= 2);
  for (const message of systemd.messages()) {
    expect(message).not.toHaveProperty('READY');
    expect(Number(message['EXTEND_TIMEOUT_USEC'])).toBeGreaterThan(60_000_000);
    expect(message['STATUS']).toMatch(/^waiting: .*maintenance/);
  }
  daemon.kill('SIGHUP');
  await eventually('the reload', () => logged(daemon.log(), 'started').length === 2);
  cloud.clearFaults();
  await eventually('an answer', () => systemd.messages().some(({ READY }) => READY === '1'));
  expect(systemd.messages().some(({ RELOADING }) => RELOADING !== undefined)).toBe(false);
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test('is ready once the cloud has answered, however long the work takes', async () => {
  const site = await createSite(cloud);
  const systemd = listenForNotify(join(site.node.root, 'notify'));
  onTestFinished(systemd.close);
  site.node.env['NOTIFY_SOCKET'] = join(site.node.root, 'notify');
  cloud.fault({ service: 'magnum', method: 'POST', effect: { kind: 'hang' } });
  onTestFinished(cloud.clearFaults);
  await cloud.rotateCa(site.cluster);
  const daemon = startDaemon(site);
  await eventually('READY', () => systemd.messages().some(({ READY }) => READY === '1'));
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
  expect(await site.ledger()).toMatchObject([{ state: 'started' }]);
});

test('uses a changed configuration at once, also when a new file replaces the old one', async () => {
  const site = await createSite(cloud, { config: { collectors: ['local'], ...NEVER_POLLS } });
  await cloud.rotateCa(site.cluster);
  const daemon = startDaemon(site);
  await eventually('the first pass', async () => (await passes(site)) !== '');
  const heat = 'collectors: [heat]\n';
  await site.node.write('/etc/coe-agent/agent.d/new.tmp', heat);
  expect(site.signals()).toEqual([]);
  const dropIn = join(site.node.root, '/etc/coe-agent/agent.d/');
  await rename(`${dropIn}new.tmp`, `${dropIn}polling.yaml`);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');

  // The second time, the file already exists.
  await site.node.write('/etc/coe-agent/agent.d/new.tmp', `${heat}log_level: debug\n`);
  const before = logged(daemon.log(), 'started').length;
  await rename(`${dropIn}new.tmp`, `${dropIn}polling.yaml`);
  await eventually('the new one', () => logged(daemon.log(), 'started').length > before);
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test('uses changed heat-params at once', async () => {
  const site = await createSite(cloud, { config: NEVER_POLLS });
  await site.setParams({ HTTP_PROXY: 'http://127.0.0.1:1' });
  const daemon = startDaemon(site);
  await eventually('a pass that fails', async () => (await passes(site)).includes('connection refused'));
  await cloud.rotateCa(site.cluster);
  await site.setParams({ HTTP_PROXY: undefined });
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test('trusts changed CAs of the cloud at once', async () => {
  const secret = await startCloud({ tls: true });
  onTestFinished(secret.close);
  const site = await createSite(secret, { bare: true, config: NEVER_POLLS });
  await site.node.write('/etc/kubernetes/ca-bundle.crt', (await createCa()).pem);
  const daemon = startDaemon(site);
  await eventually('a pass that fails', async () => (await passes(site)).includes('set ca_file'));
  await secret.rotateCa(site.cluster);
  await site.node.write('/etc/kubernetes/ca-bundle.crt', secret.caPem ?? '');
  expect(await secret.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test('uses a configuration that changes before the first poll for that poll', async () => {
  const site = await createSite(cloud, {
    bare: true,
    config: { collectors: ['local'], poll: { ...NEVER_POLLS.poll, splay_seconds: 3600 } },
  });
  const systemd = listenForNotify(join(site.node.root, 'notify'));
  onTestFinished(systemd.close);
  site.node.env['NOTIFY_SOCKET'] = join(site.node.root, 'notify');
  const daemon = startDaemon(site);
  await eventually('the splay', () =>
    systemd.messages().some(({ STATUS }) => STATUS?.includes('splay_seconds')),
  );
  await site.node.write('/etc/coe-agent/agent.d/10-debug.yaml', 'log_level: debug\n');
  await eventually('a pass', async () => (await passes(site)) !== '');
  expect(logged(daemon.log(), 'started').at(-1)).toMatchObject({
    configuration: ['/etc/coe-agent/agent.yaml', '/etc/coe-agent/agent.d/10-debug.yaml'],
  });
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test('reads a new custom layout at once', async () => {
  const site = await createSite(cloud, { bare: true, config: { collectors: ['local'], ...NEVER_POLLS } });
  const daemon = startDaemon(site);
  await eventually('the first pass', async () => (await passes(site)) !== '');
  await site.node.write('/etc/coe-agent/layouts.d/mine.yaml', 'nmae: mine\n');
  await eventually('a refusal', () => logged(daemon.log(), 'configuration-rejected').length === 1);
  await site.node.write('/etc/coe-agent/layouts.d/mine.yaml', exampleLayout('registry'));
  await eventually('the new one', () => logged(daemon.log(), 'started').length === 2);
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test('keeps the old configuration if the new one is invalid, and notifies systemd', async () => {
  const site = await createSite(cloud, { config: { collectors: ['local'], ...NEVER_POLLS } });
  const systemd = listenForNotify(join(site.node.root, 'notify'));
  onTestFinished(systemd.close);
  site.node.env['NOTIFY_SOCKET'] = join(site.node.root, 'notify');
  const daemon = startDaemon(site);
  await eventually('the first pass', async () => (await passes(site)) !== '');
  await site.node.write('/etc/coe-agent/agent.d/typo.yaml', '# a drop-in\nkeys: rsa-4096\npol:\n  x: 1\n');
  const why = '/etc/coe-agent/agent.d/typo.yaml: line 3: unknown key pol';
  const told = (): string =>
    systemd.messages().findLast(({ STATUS }) => STATUS !== undefined)?.['STATUS'] ?? '';
  await eventually('systemd to be told', () => told().includes(why));
  expect(logged(daemon.log(), 'configuration-rejected')).toMatchObject([{ why }]);

  // It continues with the old configuration.
  await site.node.write(`${LOCAL}/first.json`, byHand('first'));
  await eventually('the outcome', async () => {
    const record = await site.node.read('/var/lib/coe-agent/deployments/first.json').catch(() => '');
    return record.includes('"signalled"');
  });
  await site.node.write('/etc/coe-agent/agent.d/typo.yaml', '');
  await eventually('the new one', () => logged(daemon.log(), 'started').length === 2);
  await eventually('nothing to remark', () => !told().includes('pol'));
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
});

test('on SIGTERM during issuing, leaves the run to the next start, which uses the same key', async () => {
  const site = await createSite(cloud, { layout: 'kubernetes-pki' });
  const before = await site.files();
  const signings = (): number =>
    cloud.requests.filter(({ service, method }) => service === 'magnum' && method === 'POST').length;
  const asked = signings();
  cloud.fault({ service: 'magnum', method: 'POST', effect: { kind: 'hang' } });
  onTestFinished(cloud.clearFaults);
  await cloud.rotateCa(site.cluster);
  const daemon = startDaemon(site);
  await cloud.until(() => signings() > asked);
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
  expect(await site.ledger()).toMatchObject([{ state: 'started' }]);
  expect(site.signals()).toEqual([]);
  expect(await site.files()).toEqual(before);
  const kept = await site.files('/var/lib/coe-agent/generation/requests');
  const [request] = [...kept.values()];
  expect(request).toMatchObject({ mode: 0o600 });
  const key = at(parseObject(request?.content.split('\n')[0] ?? ''), 'key');

  cloud.clearFaults();
  await site.pass();
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  expect(await site.node.read('/etc/kubernetes/pki/server.key')).toBe(key);
  expect(site.signals()).toHaveLength(1);
});

test('on SIGTERM during a restart, waits for the proof: the node never stays between two sets', async () => {
  const site = await createSite(cloud, { layout: 'kubernetes-pki' });
  await cloud.rotateCa(site.cluster);
  const restarts = site.restarts().length;
  const daemon = startDaemon(site);
  await eventually('a restart', () => site.restarts().length > restarts);
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
  const [entry] = await site.ledger();
  expect(entry?.outcome?.statusCode).toBe(0);
  expect(['finished', 'signalled']).toContain(entry?.state);
  await site.pass();
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
});

test('exits at once on SIGTERM when idle', async () => {
  const site = await createSite(cloud, { config: { collectors: ['local'], ...NEVER_POLLS } });
  const daemon = startDaemon(site);
  await eventually('the first pass', async () => (await passes(site)) !== '');
  const start = performance.now();
  daemon.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
  expect(performance.now() - start).toBeLessThan(5000);
  await access(join(site.node.root, 'run/coe-agent/lock'));
});
