import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { logged } from './support/logged.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { at, parseObject, type Service } from '../cloud/exchange.ts';
import type { PollTransport } from '../cloud/stack-resource.ts';
import { eventually } from './support/eventually.ts';
import { createSite, type Site } from './support/site.ts';

/** Heat changes a server's transport, and the node's daemon, as a process of its own, follows. */
const cloud = await cloudForFile();

type Daemon = { log(): string; stop(): Promise<void> };

function startDaemon(site: Site): Daemon {
  const child = site.node.start('run');
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  onTestFinished(stop);
  return { log: () => log, stop };
}

/** An unresponsive transport is abandoned only after several polls. */
const inTime = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  await eventually(what, holds, 40_000);
};

const polling = async (site: Site): Promise<string> =>
  String(at(at(parseObject((await site.node.agent('status', '--json')).stdout), 'polling'), 'text'));

const polls = (service: Service): number =>
  cloud.requests.filter((one) => one.service === service && !one.path.endsWith('/signal')).length;

test.each([
  ['POLL_SERVER_CFN', 'cfn'],
  ['POLL_TEMP_URL', 'swift'],
  ['ZAQAR_MESSAGE', 'zaqar'],
] as const)(
  'follows to %s at once, without a restart, and keeps it after one',
  async (transport, service) => {
    const site = await createSite(cloud);
    const daemon = startDaemon(site);
    await inTime('the first poll', () => polls('heat') > 0);
    site.cluster.pollBy(site.server, transport satisfies PollTransport);
    await inTime('the new way adopted', () => logged(daemon.log(), 'polling-override-adopted').length > 0);
    const before = [polls('heat'), polls(service)] as const;
    await inTime('more polls', () => polls(service) > before[1] + 2);
    expect(polls('heat')).toBe(before[0]);
    await cloud.rotateCa(site.cluster);
    expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
    expect(await polling(site)).toMatch(
      /^polls with (cfn|request|zaqar), local, as the metadata requests since 20/,
    );
    await daemon.stop();

    const again = polls('heat');
    startDaemon(site);
    const known = polls(service);
    await inTime('polls after a restart', () => polls(service) > known + 1);
    expect(polls('heat')).toBe(again);
    const secrets = /temp_url_sig=[0-9a-f]|"secret_access_key":"[^*]/;
    expect(daemon.log() + (await site.node.agent('status')).stdout).not.toMatch(secrets);
  },
);

test('falls back from an unresponsive transport, and runs all deployments', async () => {
  const site = await createSite(cloud);
  cloud.fault({ service: 'cfn', method: 'GET', effect: { kind: 'answer', status: 503, body: 'no' } });
  onTestFinished(cloud.clearFaults);
  const daemon = startDaemon(site);
  site.cluster.pollBy(site.server, 'POLL_SERVER_CFN');
  await inTime('the new way given up', () => logged(daemon.log(), 'polling-override-given-up').length > 0);
  expect(await polling(site)).toMatch(/\(cfn, local\) failed at .*503 no/);
  await cloud.rotateCa(site.cluster);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  await inTime('the result known', async () => (await site.ledger()).at(-1)?.state === 'signalled');
});

test('reports an unusable section, and polls as before', async () => {
  const site = await createSite(cloud);
  const LOCAL = '/var/lib/os-collect-config/local-data/poll.json';
  await site.node.write(LOCAL, '{"os-collect-config": {"collectors": ["pigeon"]}}');
  await cloud.rotateCa(site.cluster);
  const result = await site.pass();
  expect(result).toMatchObject({
    pollsOtherwise: false,
    settled: [{ outcome: { statusCode: 0 } }],
    problems: [{ code: 'bad-metadata', reason: 'polling-section' }],
  });
  expect(await polling(site)).toMatch(/^polls with heat, local, as .*agent.yaml says$/);
});

test('reads how to poll from a deployment of the group os-apply-config', async () => {
  const site = await createSite(cloud);
  cloud.deploy(site.cluster, site.server, {
    group: 'os-apply-config',
    config: { 'os-collect-config': { polling_interval: 7 } },
    signalTransport: 'NO_SIGNAL',
  });
  expect(await site.pass()).toMatchObject({ pollsOtherwise: true });
  const hands = await site.start();
  expect(hands.config.poll).toMatchObject({ max_seconds: 7 });
});

test('keeps a new transport once the cloud answers, whatever local files or the metadata service contain', async () => {
  const site = await createSite(cloud);
  cloud.deploy(site.cluster, site.server, {
    group: 'os-apply-config',
    config: { 'os-collect-config': { collectors: ['ec2', 'heat', 'local'], ec2: { metadata_url: NOWHERE } } },
    signalTransport: 'NO_SIGNAL',
  });
  expect(await site.pass()).toMatchObject({ pollsOtherwise: true });
  const LOCAL = '/var/lib/os-collect-config/local-data/poll.json';
  await site.node.write(LOCAL, '{}');
  await chmod(join(site.node.root, LOCAL), 0o666);
  const { answers, problems } = await site.pass();
  expect(answers).toMatchObject([
    { why: expect.any(String) as unknown },
    { why: undefined },
    { why: expect.any(String) as unknown },
  ]);
  expect(problems).toHaveLength(1);
  expect(await polling(site)).toMatch(/^polls with ec2, heat, local, as the metadata requests since [^;]*$/);
});

const NOWHERE = 'http://127.0.0.1:1/latest/meta-data';
