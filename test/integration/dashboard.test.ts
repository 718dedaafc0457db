import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { METRICS } from '../../agent/metrics/catalogue.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { freePorts } from '../e2e/free-ports.ts';
import { cli } from '../scenarios/support/cli.ts';
import { eventually } from '../scenarios/support/eventually.ts';
import { createSite } from '../scenarios/support/site.ts';

/** Runs docs/grafana on a real Prometheus that has scraped the agent's metrics. */
const DASHBOARD = 'docs/grafana/coe-agent.json';
const FILE = '/var/lib/node-exporter/coe-agent.prom';

const Dashboard = v.object({
  templating: v.object({ list: v.array(v.object({ name: v.string(), type: v.string() })) }),
  panels: v.array(
    v.object({ title: v.string(), targets: v.array(v.object({ refId: v.string(), expr: v.string() })) }),
  ),
});
const Answer = v.object({
  status: v.string(),
  error: v.optional(v.string()),
  data: v.optional(v.object({ result: v.array(v.object({ value: v.tuple([v.number(), v.string()]) })) })),
});
const json = async <const S extends v.GenericSchema>(schema: S, text: Promise<string>) =>
  v.parse(v.pipe(v.string(), v.parseJson(), schema), await text);

let prometheus: { url: string; close(): Promise<void> };
let cloud: Cloud;

beforeAll(async () => {
  cloud = await startCloud();
  prometheus = await startPrometheus();
});
afterAll(async () => {
  await prometheus.close();
  await cloud.close();
});

async function query(expr: string): Promise<v.InferOutput<typeof Answer>> {
  const url = `${prometheus.url}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`;
  return await json(
    Answer,
    fetch(url).then(async (answer) => await answer.text()),
  );
}

let served = '';

async function startPrometheus(): Promise<typeof prometheus> {
  const where = spawnSync('scripts/prometheus', ['where'], { encoding: 'utf8' });
  if (where.status !== 0) throw new Error(where.stderr);
  const target = createServer((_, response) => response.end(served)).listen(0, '127.0.0.1');
  await once(target, 'listening');
  const address = target.address();
  const folder = await mkdtemp(join(tmpdir(), 'coe-prometheus-'));
  await writeFile(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '1s' },
      scrape_configs: [
        {
          job_name: 'node',
          static_configs: [
            { targets: [`127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`] },
          ],
        },
      ],
    }),
  );
  const [port = 0] = await freePorts(1);
  const child: ChildProcess = spawn(
    join(where.stdout.trim(), 'prometheus'),
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
      target.closeAllConnections();
      target.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Adds a sample of each metric that a node has only in another state. */
const withEveryMetric = (text: string): string =>
  Object.keys(METRICS)
    .filter((name) => !text.includes(`\n${name}{`) && !text.includes(`\n${name} `))
    .reduce((all, name) => `${all}# TYPE ${name} gauge\n${name} 1\n`, text);

test('every query of the dashboard returns data', async () => {
  const site = await createSite(cloud, {
    role: 'master',
    config: { metrics: { file: FILE }, rotation: { phase: 'trust' } },
  });
  await site.node.write('/var/lib/node-exporter/other.prom', '');
  await cloud.rotateCa(site.cluster);
  expect((await cli(site, ['run-once'])).code).toBe(0);
  served = withEveryMetric(await site.node.read(FILE));
  await eventually(
    'Prometheus has scraped it',
    async () => {
      const answer = await query('coe_agent_build_info').catch(() => undefined);
      return answer?.data?.result.length === 1;
    },
    60_000,
  );

  const { panels, templating } = await json(Dashboard, readFile(DASHBOARD, 'utf8'));
  const variables = templating.list.filter(({ type }) => type === 'query').map(({ name }) => name);
  const silent: string[] = [];
  for (const { title, targets } of panels)
    for (const { refId, expr } of targets) {
      // As Grafana substitutes the choice "All".
      const filled = variables.reduce((text, name) => text.replaceAll(`$${name}"`, '.*"'), expr);
      const { status, error, data } = await query(filled);
      const isData = data?.result.some(({ value: [, value] }) => Number.isFinite(Number(value))) ?? false;
      if (status !== 'success' || !isData) silent.push(`${title} ${refId}: ${error ?? 'no data'}`);
    }
  expect(silent).toEqual([]);
  expect(panels.length).toBeGreaterThan(10);
});
