import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { logged } from './support/logged.ts';
import * as v from 'valibot';
import { newMemory, pass } from '../../agent/pass.ts';
import { isGivenUp } from '../../src/deployment/ledger.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { type Answer, isObject } from '../cloud/exchange.ts';
import { queueOf } from '../cloud/queues.ts';
import { rewriteJson } from '../cloud/spoil.ts';
import { NEVER } from '../src/support/clock.ts';
import { deployment, rawDeployment } from '../src/support/deployments.ts';
import { runLoop } from './support/daemon.ts';
import { createSite, type Site } from './support/site.ts';

const cloud = await cloudForFile();

const LOCAL = '/var/lib/os-collect-config/local-data';

/** A rotation without a signal, as a person would write it to the node. */
const byHand = (id: string, over: Record<string, unknown> = {}): string =>
  JSON.stringify({ deployments: [rawDeployment({}, { id, ...over })] });

const idsOf = ({ settled }: { settled: { id: string }[] }): string[] => settled.map(({ id }) => id);

const bySite = async (collector: string): Promise<Site> =>
  await createSite(cloud, { config: { collectors: [collector] } });

/** Converts a server's poller metadata to a configuration, where the path is a list. */
function configOf(section: Record<string, unknown>): Record<string, unknown> {
  const { cfn, ...rest } = section;
  return isObject(cfn) ? { ...rest, cfn: { ...cfn, path: [cfn['path']] } } : rest;
}

test('runs a deployment from a file of the local directory', async () => {
  const site = await bySite('local');
  await site.node.write(`${LOCAL}/one.json`, byHand('one'));
  expect(await site.pass()).toMatchObject({
    problems: [],
    settled: [{ id: 'one', outcome: { statusCode: 0 } }],
  });
});

test('ignores one untrusted file, and does not abandon deployments that it may contain', async () => {
  const site = await bySite('local');
  await site.node.write(`${LOCAL}/one.json`, byHand('one'));
  await site.node.write(`${LOCAL}/two.json`, byHand('two'));
  await chmod(join(site.node.root, LOCAL, 'two.json'), 0o666);
  const { problems, settled } = await site.pass();
  expect(settled).toMatchObject([{ id: 'one', outcome: { statusCode: 0 } }]);
  expect(problems).toMatchObject([
    { code: 'bad-metadata', message: expect.stringContaining('two.json') as unknown },
  ]);

  const hands = await site.start();
  await hands.ledger.accept(deployment({}, { id: 'three' }));
  expect((await site.pass()).problems).toHaveLength(1);
  expect((await site.ledger()).find(({ id }) => id === 'three')).toMatchObject({ state: 'accepted' });
  await chmod(join(site.node.root, LOCAL, 'two.json'), 0o600);
  expect(await site.pass()).toMatchObject({ problems: [], settled: [{ id: 'two' }] });
  const three = async () => (await site.ledger()).find(({ id }) => id === 'three');
  expect(isGivenUp(await three())).toBe(false);
  await site.pass();
  expect(isGivenUp(await three())).toBe(true);
});

test('reads what cfn-init writes with the collector heat_local', async () => {
  const site = await bySite('heat_local');
  await site.node.write('/var/lib/heat-cfntools/cfn-init-data', byHand('one'));
  expect(idsOf(await site.pass())).toEqual(['one']);
});

test('rotates a node that polls over CFN', async () => {
  const site = await createSite(cloud, { server: { transport: 'POLL_SERVER_CFN' } });
  await site.node.configure(configOf(site.cluster.pollerConfig(site.server)));
  await cloud.rotateCa(site.cluster);
  expect(await site.pass()).toMatchObject({ problems: [], settled: [{ outcome: { statusCode: 0 } }] });
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
});

test.each([
  [{ secret_access_key: 'another secret' }, /403 .*not authorized/],
  [{ path: ['nope.Metadata'] }, /403 .*not authorized/],
  [{ metadata_url: undefined }, /no address in \/var\/lib\/heat-cfntools\/cfn-metadata-server/],
])('reports why a CFN poller is rejected: %o', async (changes, words) => {
  const site = await createSite(cloud, { server: { transport: 'POLL_SERVER_CFN' } });
  const { cfn } = configOf(site.cluster.pollerConfig(site.server));
  await site.node.configure({ collectors: ['cfn'], cfn: { ...(isObject(cfn) ? cfn : {}), ...changes } });
  const { problems } = await site.pass();
  expect(problems).toMatchObject([{ message: expect.stringMatching(words) as unknown }]);
});

test('rotates a node that polls a temporary URL, and shows the URL nowhere', async () => {
  const site = await createSite(cloud, { server: { transport: 'POLL_TEMP_URL' } });
  await site.node.configure(site.cluster.pollerConfig(site.server));
  await cloud.rotateCa(site.cluster);
  expect(await site.pass()).toMatchObject({ problems: [], settled: [{ outcome: { statusCode: 0 } }] });
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  cloud.fault({ service: 'swift', effect: { kind: 'answer', status: 403, body: 'no' } });
  onTestFinished(cloud.clearFaults);
  const { problems } = await site.pass();
  expect(problems).toMatchObject([{ code: 'cloud-refused', reason: 'address-expired' }]);
  const { stdout, stderr } = await site.node.agent('run-once');
  expect(stdout + stderr).toContain('403 no');
  expect(stdout + stderr + site.log.join('')).not.toMatch(/temp_url_sig=[0-9a-f]/);
});

test('rotates a node that reads a queue, and keeps the message over a restart, in a private file', async () => {
  const site = await createSite(cloud, { server: { transport: 'ZAQAR_MESSAGE' } });
  const from = configOf(site.cluster.pollerConfig(site.server));
  await site.node.configure(from);
  await cloud.rotateCa(site.cluster);
  expect(await site.pass()).toMatchObject({ problems: [], settled: [{ outcome: { statusCode: 0 } }] });
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');

  const hands = await site.start();
  const memory = newMemory();
  const look = async () => await pass(hands, memory, NEVER);
  expect(await look()).toMatchObject({ problems: [], settled: [], open: [] });
  await hands.clock.sleep(62_000, NEVER);
  expect(await look()).toMatchObject({ problems: [], settled: [], open: [] });
  const { queue_id: id } = v.parse(v.object({ queue_id: v.string() }), from['zaqar']);
  expect(cloud.queues.all(queueOf(site.cluster.stack.around.userProject.id, id))).toEqual([]);
  expect((await hands.disk.info('/var/lib/coe-agent/zaqar.json'))?.mode).toBe(0o600);

  // The queue is empty, and the next deployment arrives like the first.
  await cloud.rotateCa(site.cluster);
  expect(await look()).toMatchObject({ problems: [], settled: [{ outcome: { statusCode: 0 } }] });
  expect(await site.pass()).toMatchObject({ problems: [], settled: [] });
});

test.each(['POLL_SERVER_CFN', 'POLL_TEMP_URL'] as const)(
  'rejects metadata above 8 MiB in plain words (%s)',
  async (transport) => {
    const site = await createSite(cloud, { server: { transport } });
    await site.node.configure(configOf(site.cluster.pollerConfig(site.server)));
    const effect = { kind: 'answer', status: 200, body: ' '.repeat(16 * 1024 * 1024 + 1) } as const;
    for (const service of ['cfn', 'swift'] as const) cloud.fault({ service, effect });
    onTestFinished(cloud.clearFaults);
    const { stdout, code } = await site.node.agent('run-once');
    expect(stdout).toMatch(/✗ reading .*: the answer is larger than 8 MiB/);
    expect(code).not.toBe(0);
  },
);

/** Replaces a word of an answer by a byte of another encoding. */
const withoutUtf8 = (answer: Answer): Answer => ({
  ...answer,
  body: Buffer.from(String(answer.body).replace('hello', '\u00ff'), 'latin1'),
});

test('rejects metadata that is not UTF-8: a script with a replaced byte would be another one', async () => {
  const site = await createSite(cloud, { bare: true });
  const config = '#!/bin/sh\necho hello';
  const { id } = cloud.deploy(site.cluster, site.server, { group: 'script', config });
  const fault = cloud.fault({
    service: 'heat',
    method: 'GET',
    effect: { kind: 'transform', change: withoutUtf8 },
  });
  onTestFinished(cloud.clearFaults);
  const { settled, problems } = await site.pass();
  expect(settled).toEqual([]);
  expect(problems).toMatchObject([{ code: 'bad-answer', reason: 'not-utf-8' }]);
  fault.remove();
  expect(await site.pass()).toMatchObject({
    problems: [],
    settled: [{ id, outcome: { stdout: 'hello\n' } }],
  });
});

test("reads the CFN API's address where cloud-init has written it", async () => {
  const site = await createSite(cloud, { server: { transport: 'POLL_SERVER_CFN' } });
  const { cfn } = configOf(site.cluster.pollerConfig(site.server));
  await site.node.configure({
    collectors: ['cfn'],
    cfn: { ...(isObject(cfn) ? cfn : {}), metadata_url: undefined },
  });
  await site.node.write('/var/lib/heat-cfntools/cfn-metadata-server', cloud.cfnUrl.replace('/v1', '\n'));
  expect(await site.pass()).toMatchObject({ problems: [] });
});

test.each([
  ['local', `${LOCAL}/one.json`],
  ['heat_local', '/var/lib/heat-cfntools/cfn-init-data'],
] as const)('rejects a file that others may have written (%s)', async (collector, path) => {
  const site = await bySite(collector);
  const at = join(site.node.root, path);
  const expectRefused = async (): Promise<void> => {
    const { settled, problems } = await site.pass();
    expect(settled).toEqual([]);
    expect(problems).toMatchObject([{ code: 'bad-metadata', reason: 'untrusted-file' }]);
  };
  await site.node.write(path, byHand('one'));
  for (const mode of [0o602, 0o620, 0o666]) {
    await chmod(at, mode);
    await expectRefused();
  }
  await chmod(at, 0o644);
  await chown(at, 1234, 0);
  await expectRefused();
  await chown(at, 0, 0);
  expect(idsOf(await site.pass())).toEqual(['one']);
});

test('rejects a file in a directory that others can write', async () => {
  const site = await bySite('local');
  await mkdir(join(site.node.root, LOCAL), { recursive: true });
  await site.node.write(`${LOCAL}/one.json`, byHand('one'));
  await chmod(join(site.node.root, LOCAL), 0o777);
  const { settled, problems } = await site.pass();
  expect(settled).toEqual([]);
  expect(problems).toMatchObject([{ code: 'bad-metadata', reason: 'untrusted-file' }]);
});

test.each([
  ['that is not an object', 'nonsense'],
  ['without an id', { group: 'coe-rotate', inputs: [] }],
  ['with an id that is a path', rawDeployment({}, { id: '../../etc/passwd' })],
  ['with inputs that are not a list', rawDeployment({}, { id: 'bad', inputs: {} })],
  [
    'without the inputs of its signal',
    rawDeployment({ deploy_signal_transport: 'HEAT_SIGNAL' }, { id: 'bad' }),
  ],
  ['with an unknown signal', rawDeployment({ deploy_signal_transport: 'PIGEON' }, { id: 'bad' })],
] as const)('rejects and reports one deployment %s among valid ones', async (_, bad) => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  const withBad = rewriteJson(({ metadata }) => {
    const deployments: unknown = isObject(metadata) ? metadata['deployments'] : [];
    return {
      metadata: { deployments: [bad, ...(Array.isArray(deployments) ? (deployments as unknown[]) : [])] },
    };
  });
  cloud.fault({ service: 'heat', method: 'GET', effect: { kind: 'transform', change: withBad } });
  onTestFinished(cloud.clearFaults);
  const { settled, problems } = await site.pass();
  expect(settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
  expect(problems).toMatchObject([{ code: 'bad-deployment' }]);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  expect(await site.ledger()).toHaveLength(1);
});

test('ignores deployments of unserved groups', async () => {
  const site = await createSite(cloud);
  const { id } = cloud.deploy(site.cluster, site.server, { group: 'no-such-hook' });
  const before = await site.files();
  expect(await site.pass()).toMatchObject({
    settled: [],
    problems: [],
    unserved: [{ id, group: 'no-such-hook' }],
  });
  expect(await site.ledger()).toEqual([]);
  expect(site.signals()).toEqual([]);
  expect(await site.files()).toEqual(before);
});

const data = (group?: string, over: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'data',
  config: { ntp: { servers: [] } },
  ...(group === undefined ? {} : { group }),
  ...over,
});

test('accepts data for templates without an id, and reports nothing', async () => {
  const site = await bySite('local');
  const deployments = [
    data('Heat::Ungrouped'),
    data('os-apply-config'),
    data(),
    data('Heat::Ungrouped', { id: 'one' }),
    data('os-apply-config', { id: 'two', inputs: [] }),
    rawDeployment({}, { id: 'three' }),
  ];
  await site.node.write(`${LOCAL}/a.json`, JSON.stringify({ deployments }));
  expect(await site.pass()).toMatchObject({ problems: [], unserved: [], settled: [{ id: 'three' }] });
});

test('treats deployments that the predecessor applied as done, but not those with only a notify file', async () => {
  const site = await bySite('local');
  await site.node.write('/var/lib/heat-config/deployed/theirs.json', '{}');
  await site.node.write('/var/lib/heat-config/deployed/ours.notify.json', '{}');
  await site.node.write(`${LOCAL}/a.json`, byHand('theirs'));
  await site.node.write(`${LOCAL}/b.json`, byHand('ours'));
  expect(idsOf(await site.pass())).toEqual(['ours']);
  expect((await site.ledger()).map(({ id }) => id)).toEqual(['ours']);
});

test('reads all sources despite a failing one, merges equal deployments, and reports different ones with the same id', async () => {
  const site = await bySite('local');
  await site.node.write(`${LOCAL}/a.json`, byHand('one'));
  await site.node.write(`${LOCAL}/b.json`, byHand('one'));
  await site.node.write(`${LOCAL}/c.json`, byHand('two'));
  const both = await site.pass();
  expect(both.problems).toEqual([]);
  expect(idsOf(both).toSorted()).toEqual(['one', 'two']);
  await site.node.write(`${LOCAL}/d.json`, byHand('one', { name: 'another' }));
  const { problems } = await site.pass();
  expect(problems).toMatchObject([{ code: 'bad-deployment', reason: 'deployment-twice' }]);
});

/** A list sorted by name, like Heat's, with descending creation times. */
const listOf = (...ids: string[]): string =>
  JSON.stringify({
    deployments: ids.map((id, index) =>
      rawDeployment({}, { id, creation_time: `2026-11-21T00:00:0${9 - index}Z` }),
    ),
  });

test('runs deployments in listed order, collector by collector', async () => {
  const site = await createSite(cloud, { config: { collectors: ['local', 'heat_local'] } });
  await site.node.write('/var/lib/heat-cfntools/cfn-init-data', listOf('five', 'four'));
  await site.node.write(`${LOCAL}/a.json`, listOf('three', 'two'));
  await site.node.write(`${LOCAL}/b.json`, listOf('one'));
  expect(idsOf(await site.pass())).toEqual(['three', 'two', 'one', 'five', 'four']);
});

test('doubles the waits from minimum to maximum, and restarts them on a change', async () => {
  const site = await createSite(cloud, { config: { poll: { min_seconds: 1, max_seconds: 30 } } });
  const { waits, told } = await runLoop(site, {
    times: 12,
    before: async (wait) => {
      if (wait === 8) await cloud.rotateCa(site.cluster);
    },
  });
  // The first look at the metadata is a change; so is the one after the request for a rotation.
  expect(waits.map((ms) => ms / 1000)).toEqual([1, 2, 4, 8, 16, 30, 30, 30, 1, 2, 4, 8]);
  expect(told.every((text) => text.endsWith('(ready)'))).toBe(true);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
});

test.each([
  [0, 0.75],
  [0.999, 1.25],
])('spreads each wait by a quarter, so that nodes do not poll at once (%f)', async (random, factor) => {
  const site = await createSite(cloud, { config: { poll: { min_seconds: 1, max_seconds: 4 } } });
  const { waits } = await runLoop(site, { times: 4, random: () => random });
  for (const [index, seconds] of [1, 2, 4, 4].entries())
    expect(waits[index]).toBeCloseTo(seconds * factor * 1000, -1);
});

test('while Heat does not answer, waits longer each time, is not ready, and reports the reason', async () => {
  const site = await createSite(cloud, { config: { poll: { min_seconds: 1, max_seconds: 8 } } });
  cloud.fault({ service: 'heat', effect: { kind: 'answer', status: 503, body: 'maintenance' } });
  onTestFinished(cloud.clearFaults);
  const { waits, told } = await runLoop(site, {
    times: 6,
    before: (wait) => wait === 5 && cloud.clearFaults(),
  });
  expect(waits).toEqual([2000, 4000, 8000, 8000, 8000, 1000]);
  expect(told.slice(0, 5)).toEqual(Array(5).fill(expect.stringMatching(/^waiting: .*503 maintenance/)));
  expect(told.map((text) => text.endsWith('(ready)'))).toEqual([false, false, false, false, false, true]);
  // The same problem is logged once.
  expect(logged(site.log, 'metadata-ignored')).toMatchObject([{ code: 'cloud-unreachable' }]);
});

test.each(['GET', 'POST'] as const)('obeys a Retry-After to a %s also in the next pass', async (method) => {
  const site = await createSite(cloud, { config: { poll: { min_seconds: 1, max_seconds: 2 } } });
  cloud.fault({
    service: 'heat',
    method,
    effect: { kind: 'answer', status: 429, headers: { 'Retry-After': '90' } },
  });
  onTestFinished(cloud.clearFaults);
  await cloud.rotateCa(site.cluster);
  const { waits } = await runLoop(site, { times: 2 });
  expect(waits).toEqual([90_000, 90_000]);
});
