import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startCloud } from '../cloud/cloud.ts';
import { cli } from '../scenarios/support/cli.ts';
import { createSite } from '../scenarios/support/site.ts';
import { prometheusFolder } from './pictures/prometheus.ts';

/** Runs Prometheus' own tool, which checks its format and its rules. */
function promtool(args: readonly string[], input = ''): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(join(prometheusFolder(), 'promtool'), args, {
    input,
    encoding: 'utf8',
  });
  return { code: status, said: stdout + stderr };
}

test('promtool accepts the metrics, before, during and after a rotation in phases', async () => {
  const cloud = await startCloud();
  onTestFinished(cloud.close);
  const file = '/var/lib/node-exporter/coe-agent.prom';
  const site = await createSite(cloud, {
    role: 'master',
    config: { metrics: { file }, rotation: { phase: 'trust' } },
  });
  await site.node.write('/var/lib/node-exporter/other.prom', '');
  for (const rotates of [false, true, false]) {
    if (rotates) await cloud.rotateCa(site.cluster);
    expect((await cli(site, ['run-once'])).code).toBe(0);
    expect(promtool(['check', 'metrics'], await site.node.read(file))).toEqual({ code: 0, said: '' });
  }
  await cloud.rotateCa(site.cluster);
  await site.setParams({ TRUSTEE_PASSWORD: 'wrong-password' });
  expect((await cli(site, ['run-once'])).code).toBe(1);
  expect(promtool(['check', 'metrics'], await site.node.read(file))).toEqual({ code: 0, said: '' });
});

test('every alert of docs/prometheus fires exactly when it should', async () => {
  const rules = 'docs/prometheus/coe-agent.rules.yaml';
  expect(promtool(['check', 'rules', rules]).code).toBe(0);
  const tests = 'docs/prometheus/coe-agent.rules.test.yaml';
  expect(promtool(['test', 'rules', tests])).toMatchObject({ code: 0 });
  const [names, tested] = [await readFile(rules, 'utf8'), await readFile(tests, 'utf8')];
  for (const [, name = ''] of names.matchAll(/- alert: (\w+)/g))
    expect(tested.match(new RegExp(`alertname: ${name}\\b`, 'g'))?.length).toBeGreaterThan(1);
});
