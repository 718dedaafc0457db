import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { METRICS } from '../../../agent/metrics/catalogue.ts';

test('the dashboard shows every metric', async () => {
  const dashboard = await readFile('docs/grafana/coe-agent.json', 'utf8');
  const shown = new Set(dashboard.match(/\bcoe_agent_\w+/g));
  expect(Object.keys(METRICS).filter((name) => !shown.has(name))).toEqual([]);
});

test('the dashboard and the alerts ask for no other metric', async () => {
  const asked = await Promise.all(
    ['docs/grafana/coe-agent.json', 'docs/prometheus/coe-agent.rules.yaml'].map(async (path) =>
      (await readFile(path, 'utf8')).match(/\bcoe_agent_\w+/g),
    ),
  );
  expect(asked.flat().filter((name) => !Object.hasOwn(METRICS, name ?? ''))).toEqual([]);
});
