import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { whileRecorded } from '../../../agent/peers/held-turn.ts';
import { takeLock } from '../../../src/base/lock.ts';
import { readUpkeep, writeUpkeep } from '../../../agent/upkeep/record.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { at, parseObject } from '../../cloud/exchange.ts';
import { cli, type Said } from '../../scenarios/support/cli.ts';
import { runLoop } from '../../scenarios/support/daemon.ts';
import { createSite } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

const CERTS = '/etc/kubernetes/certs';

test('shows finished and failed deployments with the reason, and unacknowledged answers', async () => {
  const site = await createSite(cloud);
  expect(await cli(site, ['status'])).toMatchObject({
    code: 1,
    stdout:
      '! the daemon does not run: systemctl status coe-agent\n✗ no complete pass since the node was started\npolls with heat, local, as /etc/coe-agent/agent.yaml says\nno deployments yet\n',
  });
  await cloud.rotateCa(site.cluster);
  site.node.units.breakUnit('kubelet', 'is masked');
  cloud.fault({
    service: 'heat',
    method: 'POST',
    effect: { kind: 'answer', status: 404, body: 'no such stack' },
  });
  onTestFinished(cloud.clearFaults);
  await cli(site, ['run-once']);
  const { stdout } = await cli(site, ['status']);
  for (const part of [
    'last pass 20',
    '✓ heat answered',
    'finished',
    'failed (1)',
    'the unit kubelet is masked',
    'not acknowledged yet',
    '404 no such stack',
  ])
    expect(stdout).toContain(part);
  cloud.clearFaults();
  await cli(site, ['run-once']);
  const after = await cli(site, ['status', '--json']);
  expect(parseObject(after.stdout)).toMatchObject({
    lastPass: { open: [], problems: [] },
    interrupted: null,
    deployments: [{ state: 'signalled', outcome: { statusCode: 1 } }],
  });
});

test('shows whether the daemon runs, the last success and the last failure; older failures with --all', async () => {
  const site = await createSite(cloud);
  expect((await cli(site, ['status'])).stdout).toContain('the daemon does not run');
  const ids: string[] = [];
  for (const breaks of [true, true, false]) {
    if (breaks) site.node.units.breakUnit('kubelet', 'is masked');
    else site.node.units.mend('kubelet');
    await cloud.rotateCa(site.cluster);
    ids.push(site.cluster.stack.deploymentsOn(site.server)[0]?.id ?? '');
    await cli(site, ['run-once']);
    await cloud.settled(site.cluster);
  }
  const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'run', 4711);
  onTestFinished(lock.release);
  const { stdout } = await cli(site, ['status']);
  expect(stdout).toMatch(/^agent run \(pid 4711\) since \d{4}-/m);
  expect(stdout).toContain(`last success: ${ids[2]}`);
  expect(stdout).toContain(`last failure: ${ids[1]}`);
  expect(stdout).not.toContain(`failure: ${ids[0]}`);
  expect((await cli(site, ['status', '--all'])).stdout).toContain(`failure: ${ids[0]}`);
  const { stdout: json } = await cli(site, ['status', '--json']);
  expect(parseObject(json)).toMatchObject({
    holder: { name: 'agent run (pid 4711)' },
    lastSuccess: ids[2],
    lastFailure: ids[1],
  });
});

test('shows what is being retried, since when and until when', async () => {
  const site = await createSite(cloud, { role: 'master', config: { cloud: { patience_seconds: 60 } } });
  await cloud.rotateCa(site.cluster);
  cloud.fault({ service: 'magnum', effect: { kind: 'answer', status: 503, body: 'maintenance' } });
  onTestFinished(cloud.clearFaults);
  let seen: Promise<Said> | undefined;
  const sleep: Clock['sleep'] = async (ms, abort) => {
    seen ??= cli(site, ['status', '--json']);
    await seen;
    await site.clock.sleep(ms, abort);
  };
  const { stderr } = await cli(site, ['run-once'], { clock: () => ({ ...site.clock, sleep }) });
  // Three CAs are awaited in parallel.
  expect(stderr).not.toContain('waiting-unwritten');
  const waiting = at(parseObject((await seen)?.stdout ?? ''), 'waiting');
  expect(waiting).toMatchObject({
    whatCode: 'read-ca',
    of: expect.stringMatching(/^(?:kubelet|etcd|front-proxy)$/) as unknown,
    code: 'cloud-unreachable',
    reason: 'http-503',
  });
  const moment = (name: string): number => Date.parse(String(at(waiting, name)));
  expect((moment('until') - moment('since')) / 1000).toBeCloseTo(60, 0);
  expect(parseObject((await cli(site, ['status', '--json'])).stdout)).toMatchObject({ waiting: null });
  expect(await site.files('/run/coe-agent')).not.toHaveProperty('waiting.json');
});

test('shows the differences that the daemon has found', async () => {
  const site = await createSite(cloud);
  const desired = async (): Promise<unknown> =>
    at(parseObject((await cli(site, ['status', '--json'])).stdout), 'desired');
  expect(await desired()).toBeNull();
  await site.setParams({ KUBE_NODE_IP: '10.0.0.77' });
  await runLoop(site, { times: 2 });
  expect(await desired()).toMatchObject({
    comparedAt: expect.any(String) as unknown,
    differences: [{ code: 'names-differ', severity: 'warning', of: `${CERTS}/kubelet.crt` }],
  });
  expect((await cli(site, ['status'])).stdout).toContain('kubelet.crt lacks 10.0.0.77');
  for (const verb of ['certs', 'plan']) {
    expect(at(parseObject((await cli(site, [verb, '--json'])).stdout), 'differences'), verb).toMatchObject([
      { code: 'names-differ', of: `${CERTS}/kubelet.crt` },
    ]);
  }
});

test('shows since when a renewal waits for the end of a rotation', async () => {
  const site = await createSite(cloud);
  await runLoop(site, { times: 1 });
  const hands = await site.start();
  const since = site.clock.now();
  await writeUpkeep(hands, { ...(await readUpkeep(hands)), awaitsRotation: since });
  const renewalWaitsSince = new Date(since).toISOString();
  const shown = parseObject((await cli(site, ['status', '--json'])).stdout);
  expect(at(shown, 'desired')).toMatchObject({ renewalWaitsSince });
  expect((await cli(site, ['status'])).stdout).toContain(
    `since ${renewalWaitsSince}, a renewal of the certificates waits for the rotation to end`,
  );
});

test('shows that this master holds its turn, while the process that took it runs', async () => {
  const site = await createSite(cloud);
  const turn = async (): Promise<unknown> =>
    at(parseObject((await cli(site, ['status', '--json'])).stdout), 'turn');
  const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'run', 4711);
  onTestFinished(lock.release);
  await whileRecorded(await site.start(), async () => {
    expect(await turn()).toEqual({ since: expect.any(String) as unknown });
    const { stdout } = await cli(site, ['status']);
    expect(stdout).toContain('holds the turn of the masters since');
    await lock.release();
    expect(await turn()).toBeNull();
  });
  expect(await site.files('/run/coe-agent')).not.toHaveProperty('turn.json');
});

test('reports a critical difference until a deployment has repaired it', async () => {
  const site = await createSite(cloud);
  const codes = async (): Promise<unknown> => {
    const health = at(parseObject((await cli(site, ['status', '--json'])).stdout), 'health');
    return Array.isArray(health) ? health.map((one: unknown) => at(one, 'code')) : undefined;
  };
  await rm(join(site.node.root, `${CERTS}/kubelet.key`));
  await runLoop(site, {
    times: 5,
    before: async (wait) => {
      if (wait !== 2) return;
      expect(await codes()).toContain('node-differs');
      await cloud.rotateCa(site.cluster);
    },
  });
  expect(await codes()).not.toContain('node-differs');
});

test('reports unread metadata until it can be read again', async () => {
  const site = await createSite(cloud);
  cloud.fault({ service: 'heat', effect: { kind: 'answer', status: 503, body: 'maintenance' } });
  onTestFinished(cloud.clearFaults);
  await cli(site, ['run-once']);
  expect((await cli(site, ['status'])).stdout).toContain('503 maintenance');
  cloud.clearFaults();
  await cli(site, ['run-once']);
  expect((await cli(site, ['status'])).stdout).not.toContain('maintenance');
});

// The daemon then waits for a configuration, or goes on with the former one.
test('shows the daemon and its deployments although the configuration is unusable', async () => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  await cli(site, ['run-once']);
  const [entry] = await site.ledger();
  await site.node.write('/etc/coe-agent/agent.yaml', 'nonsense: 1\n');
  const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'run', 4711);
  onTestFinished(lock.release);
  const { code, stdout } = await cli(site, ['status', '--json']);
  expect(code).toBe(2);
  const status = parseObject(stdout);
  expect(status?.['health']).toContainEqual(
    expect.objectContaining({ code: 'unconfigured', level: 'critical' }),
  );
  expect(status).toMatchObject({
    holder: { name: 'agent run (pid 4711)' },
    polling: { code: 'unconfigured' },
    lastSuccess: entry?.id,
    deployments: [{ id: entry?.id }],
  });
  const shown = await cli(site, ['status']);
  expect(shown.code).toBe(2);
  expect(shown.stdout).toMatch(/^agent run \(pid 4711\) since/);
});

test('rejects a configuration that a person names and that does not exist', async () => {
  const site = await createSite(cloud);
  const { code, stdout } = await cli(site, ['status', '--config', '/nowhere.yaml', '--json']);
  expect(code).toBe(2);
  expect(parseObject(stdout)).toMatchObject({ error: { code: 'config', reason: 'file-missing' } });
});
