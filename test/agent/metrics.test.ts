import { X509Certificate } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newMemory, pass } from '../../agent/pass.ts';
import { ROTATION, writeRotation } from '../../agent/phases/record.ts';
import { openReporting } from '../../agent/reporting.ts';
import { readUpkeep, writeUpkeep } from '../../agent/upkeep/record.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { cli } from '../scenarios/support/cli.ts';
import { runLoop } from '../scenarios/support/daemon.ts';
import { createSite, type Site, type SiteSpec } from '../scenarios/support/site.ts';
import { NEVER } from '../src/support/clock.ts';
import { parsePrometheus, type Series } from '../src/support/prometheus.ts';

const cloud = await cloudForFile();

const DIRECTORY = '/var/lib/prometheus/node-exporter';
const FILE = `${DIRECTORY}/coe-agent.prom`;

async function metricsSite(spec: SiteSpec = {}): Promise<Site> {
  const site = await createSite(cloud, { ...spec, config: { ...spec.config, metrics: { file: FILE } } });
  await site.node.write(`${DIRECTORY}/other.prom`, '');
  // The holder of the lock has made the directory.
  await site.node.write('/run/coe-agent/lock', '');
  return site;
}

/** Runs one pass of a daemon that has just been started. */
async function passOf(site: Site): Promise<void> {
  const hands = await site.start();
  const reporting = await openReporting(hands);
  await reporting.passed(await pass(reporting.watch(hands), newMemory(), NEVER));
}

const metricsOf = async (site: Site): Promise<Series[]> => parsePrometheus(await site.node.read(FILE));

const named = (series: readonly Series[], name: string): Series[] =>
  series.filter((one) => one.name === `coe_agent_${name}`);

const valueOf = (series: readonly Series[], name: string, labels: Record<string, string> = {}): unknown =>
  named(series, name).find((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    ?.value;

test('reports every certificate, the CAs and the pass, and replaces the former file', async () => {
  const site = await metricsSite({ role: 'master' });
  const before = site.clock.now() / 1000;
  await passOf(site);
  await passOf(site);
  const series = await metricsOf(site);
  const after = site.clock.now() / 1000;

  const files = (await site.files()).keys().toArray();
  const certificates = files.filter((path) => path.endsWith('.crt'));
  expect(certificates.length).toBeGreaterThan(9);
  for (const file of certificates) {
    const certificate = new X509Certificate(await site.node.read(file));
    const labels = { file, fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase() };
    expect(valueOf(series, 'certificate_not_after_timestamp_seconds', labels)).toBe(
      certificate.validToDate.getTime() / 1000,
    );
    if (certificate.ca)
      expect(
        valueOf(series, 'authority_info', {
          ...labels,
          cluster: site.cluster.heatParams('master')['CLUSTER_UUID'] ?? '',
        }),
      ).toBe(1);
  }
  expect(named(series, 'certificate_faults').every(({ value }) => value === 0)).toBe(true);
  for (const name of ['last_complete_pass_timestamp_seconds', 'collector_last_success_timestamp_seconds']) {
    expect(valueOf(series, name)).toBeGreaterThanOrEqual(before);
    expect(valueOf(series, name)).toBeLessThanOrEqual(after);
  }
  expect(named(series, 'phase').map(({ labels, value }) => [labels['phase'], value])).toEqual([
    ['none', 1],
    ['trust', 0],
    ['reissue', 0],
  ]);
  // Without a request to Magnum, a login or a phase, the gauges are absent.
  for (const name of [
    'authority_is_magnums',
    'trust_last_success_timestamp_seconds',
    'phase_since_timestamp_seconds',
  ])
    expect(named(series, name)).toEqual([]);
  expect((await stat(join(site.node.root, FILE))).mode & 0o777).toBe(0o644);
  expect(await readdir(join(site.node.root, DIRECTORY))).toEqual(['coe-agent.prom', 'other.prom']);
});

test('reports a rotation in phases: phase, steps, trust and CA', async () => {
  const site = await metricsSite({ config: { rotation: { phase: 'trust' } } });
  await passOf(site);
  await cloud.rotateCa(site.cluster);
  const before = site.clock.now() / 1000;
  await passOf(site);
  const series = await metricsOf(site);
  expect(valueOf(series, 'phase', { phase: 'trust' })).toBe(1);
  expect(valueOf(series, 'phase_since_timestamp_seconds')).toBeGreaterThanOrEqual(before);
  expect(valueOf(series, 'trust_last_success_timestamp_seconds')).toBeGreaterThanOrEqual(before);
  expect(named(series, 'authority_is_magnums').map(({ value }) => value)).toEqual([1]);
  expect(named(series, 'authority_info').length).toBe(2);
  expect(valueOf(series, 'deployments', { outcome: 'succeeded' })).toBe(1);
  expect(valueOf(series, 'unacknowledged_answers')).toBe(0);
  const steps = named(series, 'rotation_step_duration_seconds').map(({ labels }) => labels['step']);
  expect(steps).toEqual(expect.arrayContaining(['log-in', 'compare', 'stage', 'replace']));
  expect(
    valueOf(series, 'rotation_step_duration_seconds', { step: 'restart', of: 'kubelet' }),
  ).toBeGreaterThanOrEqual(0);
  expect(
    valueOf(series, 'rotation_last_finished_timestamp_seconds', { outcome: 'succeeded' }),
  ).toBeGreaterThanOrEqual(before);

  // The record survives the program.
  await passOf(site);
  expect(valueOf(await metricsOf(site), 'phase_since_timestamp_seconds')).toBe(
    valueOf(series, 'phase_since_timestamp_seconds'),
  );
});

test('counts an answer that Heat rejects, with its time', async () => {
  const site = await metricsSite();
  await cloud.rotateCa(site.cluster);
  const before = Math.floor(site.clock.now() / 1000);
  const fault = cloud.fault({
    service: 'heat',
    method: 'POST',
    path: /signal$/,
    effect: { kind: 'answer', status: 503 },
  });
  await passOf(site);
  const series = await metricsOf(site);
  expect(valueOf(series, 'unacknowledged_answers')).toBe(1);
  expect(valueOf(series, 'unacknowledged_since_timestamp_seconds')).toBeGreaterThanOrEqual(before);
  fault.remove();
  await passOf(site);
  expect(named(await metricsOf(site), 'unacknowledged_since_timestamp_seconds')).toEqual([]);
});

test("does not count a pass without Heat's answer as complete, and keeps the former times", async () => {
  const site = await metricsSite();
  await passOf(site);
  const first = await metricsOf(site);
  const fault = cloud.fault({ service: 'heat', effect: { kind: 'answer', status: 503 } });
  await passOf(site);
  fault.remove();
  const second = await metricsOf(site);
  expect(second.find(({ name }) => name.includes('complete'))).toEqual(
    first.find(({ name }) => name.includes('complete')),
  );
});

test('reports a refused trust beside its last success', async () => {
  const site = await metricsSite();
  await cloud.rotateCa(site.cluster);
  await site.setParams({ TRUSTEE_PASSWORD: 'wrong-password' });
  await passOf(site);
  const series = await metricsOf(site);
  expect(valueOf(series, 'trust_last_refusal_timestamp_seconds')).toBeGreaterThan(0);
  expect(valueOf(series, 'deployments', { outcome: 'failed' })).toBe(1);
});

test('logs a file that cannot be written, and continues the pass', async () => {
  const site = await createSite(cloud, { config: { metrics: { file: '/nowhere/at/all/coe.prom' } } });
  await cloud.rotateCa(site.cluster);
  await passOf(site);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  expect(site.log.some((line) => line.includes('metrics-unwritten'))).toBe(true);
});

test('is also written by run-once', async () => {
  const site = await metricsSite();
  expect((await cli(site, ['run-once'])).code).toBe(0);
  expect(valueOf(await metricsOf(site), 'build_info')).toBe(1);
});

test('lies in a directory that the unit may write', async () => {
  const site = await metricsSite();
  expect((await cli(site, ['unit-paths'])).stdout).toContain(`ReadWritePaths=-${DIRECTORY}\n`);
});

test('reports the deadline of the old CA during an automatic rotation, and its passing', async () => {
  const site = await metricsSite({ config: { rotation: { phase: 'auto', retire_within: 7200 } } });
  const hands = await site.start();
  const course = { cas: 'b', since: 1_000_000 };
  await writeRotation({ version: 1, peers: [], course, oldCa: { cas: 'b' } }, hands);
  await passOf(site);
  let series = await metricsOf(site);
  expect(valueOf(series, 'old_ca_due_timestamp_seconds')).toBe(8200);
  expect(named(series, 'old_ca_ended_timestamp_seconds')).toEqual([]);

  await writeRotation({ version: 1, peers: [], course, oldCa: { cas: 'b', endedAt: 2_000_000 } }, hands);
  await passOf(site);
  series = await metricsOf(site);
  expect(named(series, 'old_ca_due_timestamp_seconds')).toEqual([]);
  expect(valueOf(series, 'old_ca_ended_timestamp_seconds')).toBe(2000);
});

test('reports a renewal, refused logins and a waiting rotation from their records', async () => {
  const site = await metricsSite({ config: { rotation: { phase: 'auto' } } });
  const hands = await site.start();
  await passOf(site);
  for (const name of ['rotation_waits', 'renewal_last_finished_timestamp_seconds', 'trust_refusals'])
    expect(named(await metricsOf(site), name)).toEqual([]);
  await writeRotation({ version: 1, peers: [], waits: { why: 'no-quorum', for: ['m1'], at: 70_000 } }, hands);
  await writeUpkeep(hands, {
    ...(await readUpkeep(hands)),
    login: { since: 1000, refusals: 3, roles: [] },
    renewal: { startedAt: 80_000, starts: 0, endedAt: 90_000, outcome: 'failed', why: 'x' },
  });
  await passOf(site);
  const series = await metricsOf(site);
  expect(valueOf(series, 'rotation_waits', { reason: 'no-quorum' })).toBe(1);
  expect(valueOf(series, 'rotation_waits_since_timestamp_seconds')).toBe(70);
  expect(valueOf(series, 'trust_refusals')).toBe(3);
  expect(valueOf(series, 'renewal_last_started_timestamp_seconds')).toBe(80);
  expect(valueOf(series, 'renewal_last_finished_timestamp_seconds', { outcome: 'failed' })).toBe(90);
});

test('reports the findings of an inspection without a further pass', async () => {
  const site = await metricsSite({ config: { rotation: { phase: 'auto' } } });
  await runLoop(site, { times: 1 });
  const series = await metricsOf(site);
  // The first inspection postpones the first login.
  expect(valueOf(series, 'trust_refusals')).toBe(0);
});

test('reads the records of the agent again only after a change', async () => {
  const site = await metricsSite({ config: { rotation: { phase: 'auto' } } });
  const hands = await site.start();
  let reads = 0;
  const disk = {
    ...hands.disk,
    read: async (...args: Parameters<typeof hands.disk.read>) => {
      if (args[0] === ROTATION) reads += 1;
      return await hands.disk.read(...args);
    },
  };
  const reporting = await openReporting({ ...hands, disk });
  const result = await pass(reporting.watch(hands), newMemory(), NEVER);
  await reporting.passed(result);
  await site.clock.sleep(2000, NEVER);
  await reporting.passed(result);
  const former = reads;
  expect(former).toBeGreaterThan(0);
  await reporting.passed(result);
  expect(reads).toBe(former);

  await writeRotation({ version: 1, peers: [], waits: { why: 'no-quorum', for: ['m1'], at: 70_000 } }, hands);
  await reporting.passed(result);
  expect(valueOf(await metricsOf(site), 'rotation_waits', { reason: 'no-quorum' })).toBe(1);
});
