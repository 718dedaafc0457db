import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { vi } from 'vitest';
import { clusterFolder } from './magnum-cluster.ts';

/** A health monitor for the load balancer of the API. Those of Magnum 15 create none (docs/development.md). */

const Listener = v.object({ protocol_port: v.pipe(v.union([v.string(), v.number()]), v.transform(Number)) });
const Pool = v.object({ listener: v.string() });

const records = (kind: string): string => join(clusterFolder(), 'records', kind);

/** Reads the stack's resources of one kind, by id. */
async function readRecords<T>(kind: string, shape: v.GenericSchema<unknown, T>): Promise<Map<string, T>> {
  const files = (await readdir(records(kind))).filter((name) => name.endsWith('.json'));
  const read = files.map(async (file): Promise<[string, T]> => {
    const content: unknown = JSON.parse(await readFile(join(records(kind), file), 'utf8'));
    return [file.replace('.json', ''), v.parse(shape, content)];
  });
  return new Map(await Promise.all(read));
}

const isFollowed = async (): Promise<boolean> =>
  (await readFile(join(clusterFolder(), 'haproxy.cfg'), 'utf8')).includes('/readyz');

/**
 * Does what `openstack loadbalancer healthmonitor create --type HTTPS --url-path /readyz --delay 3 --timeout 3
 * --max-retries 2 POOL` does for the pool of the API servers.
 */
export async function monitorReadiness(): Promise<void> {
  const listeners = await readRecords('listeners', Listener);
  const pools = await readRecords('pools', Pool);
  const [pool] = [...pools].find(([, { listener }]) => listeners.get(listener)?.protocol_port === 6443) ?? [];
  if (pool === undefined) throw new Error('the cluster has no load balancer for its API');
  const monitor = { type: 'HTTPS', url_path: '/readyz', delay: 3, timeout: 3, max_retries: 2, pool };
  await mkdir(records('monitors'), { recursive: true });
  const path = join(records('monitors'), 'readiness');
  await writeFile(`${path}.new`, JSON.stringify(monitor));
  await rename(`${path}.new`, `${path}.json`);
  await vi.waitUntil(isFollowed, { timeout: 60_000, interval: 500 });
}
