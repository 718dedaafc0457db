import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startCloud } from '../cloud/cloud.ts';
import { createTime, recordRotation } from './pictures/history.ts';
import { readPanels } from './pictures/panels.ts';
import { draw, PICTURES } from './pictures/pictures.ts';
import { startPrometheus } from './pictures/prometheus.ts';

/**
 * The pictures in docs/monitoring.md: a rotation of the embedded cloud, in a real Prometheus. PICTURES=write replaces
 * them (`npm run pictures`).
 */
const FOLDER = 'docs/grafana';

test('the panels in the pictures of the dashboard have data', async () => {
  const time = createTime();
  const cloud = await startCloud({ now: () => time.now() - 120_000 });
  onTestFinished(cloud.close);
  const { begin, openMetrics } = await recordRotation(cloud, time);
  const prometheus = await startPrometheus({}, { openMetrics, lookback: '29s' });
  onTestFinished(prometheus.close);

  const panels = await readPanels('docs/grafana/coe-agent.json');
  for (const one of PICTURES) {
    const { svg, empty } = await draw(one, panels, { url: prometheus.url, begin });
    expect(empty).toEqual([]);
    if (process.env['PICTURES'] !== 'write') continue;
    await mkdir(FOLDER, { recursive: true });
    await writeFile(join(FOLDER, one.file), svg);
  }
});
