import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { METRICS } from '../../agent/metrics/catalogue.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { cli } from '../scenarios/support/cli.ts';
import { eventually } from '../scenarios/support/eventually.ts';
import { createSite } from '../scenarios/support/site.ts';
import { type Prometheus, startPrometheus } from './pictures/prometheus.ts';

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

let prometheus: Prometheus;
let cloud: Cloud;

beforeAll(async () => {
  cloud = await startCloud();
  prometheus = await startScraping();
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

/** Starts a Prometheus that scrapes `served` each second. */
async function startScraping(): Promise<Prometheus> {
  const target = createServer((_, response) => response.end(served)).listen(0, '127.0.0.1');
  await once(target, 'listening');
  const address = target.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const { url, close } = await startPrometheus({
    global: { scrape_interval: '1s' },
    scrape_configs: [{ job_name: 'node', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
  });
  return {
    url,
    close: async () => {
      await close();
      target.closeAllConnections();
      target.close();
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
