import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../../e2e/free-ports.ts';
import { eventually } from '../../scenarios/support/eventually.ts';

const run = promisify(execFile);

/** Returns the folder with Debian's promtool and prometheus. @throws an error that names the command to install them */
export function prometheusFolder(): string {
  const where = spawnSync('scripts/prometheus', ['where'], { encoding: 'utf8' });
  if (where.status !== 0) throw new Error(where.stderr);
  return where.stdout.trim();
}

/** A Prometheus on loopback. */
export type Prometheus = { url: string; close(): Promise<void> };

/**
 * Starts Prometheus.
 *
 * @param config its configuration
 * @param openMetrics samples with timestamps that it has from the start
 * @param lookback how long a sample counts, as Prometheus writes durations. A recording has no mark where a series ends
 */
export async function startPrometheus(
  config: Record<string, unknown>,
  { openMetrics, lookback = '5m' }: { openMetrics?: string; lookback?: string } = {},
): Promise<Prometheus> {
  const programs = prometheusFolder();
  const folder = await mkdtemp(join(tmpdir(), 'coe-prometheus-'));
  const [file, data, recorded] = ['prometheus.yml', 'data', 'recorded'].map((name) => join(folder, name));
  if (file === undefined || data === undefined || recorded === undefined) throw new Error('three names');
  await writeFile(file, JSON.stringify(config));
  if (openMetrics !== undefined) {
    await writeFile(recorded, openMetrics);
    await run(join(programs, 'promtool'), ['tsdb', 'create-blocks-from', 'openmetrics', recorded, data]);
  }
  const [port = 0] = await freePorts(1);
  const child = spawn(
    join(programs, 'prometheus'),
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--query.lookback-delta=${lookback}`,
    ],
    { stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await eventually('Prometheus is ready', async () => await isReady(url), 60_000);
  return {
    url,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

const isReady = async (url: string): Promise<boolean> =>
  await fetch(`${url}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
