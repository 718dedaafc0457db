import * as v from 'valibot';
import { readCredentials } from './credentials.ts';
import type { Description, Node } from './description.ts';
import { type Look, LOOK_MS, type Seen } from './look.ts';
import { send } from './request.ts';

const Health = v.pipe(v.string(), v.parseJson(), v.object({ health: v.union([v.string(), v.boolean()]) }));

/**
 * Looks at each member's health and leader, as the first accepted identity. The leader is in the member's metrics: an
 * etcd with a configuration file, as Magnum writes one, does not serve /v3/maintenance/status.
 */
export const lookAtEtcd: Look = async (description) =>
  (await Promise.all(description.nodes.map(async (node) => await lookAtMember(node, description)))).flat();

async function lookAtMember({ name, address, ports }: Node, { etcd }: Description): Promise<Seen[]> {
  if (ports.etcd === undefined || etcd.length === 0) return [];
  const target = { name, host: address, port: ports.etcd };
  for (const identity of etcd) {
    const credentials = await readCredentials(identity);
    if (!credentials) continue;
    try {
      const health = await send(target, credentials, { path: '/health', timeoutMs: LOOK_MS });
      const metrics = await send(target, credentials, { path: '/metrics', timeoutMs: LOOK_MS });
      const isHealthy = String(v.parse(Health, health.text).health) === 'true';
      return [
        [`etcd on ${name}`, isHealthy ? 'healthy' : 'unhealthy'],
        [`leader of etcd, says ${name}`, leaderIn(metrics.text)],
      ];
    } catch {
      // The next identity may be accepted.
    }
  }
  return [[`etcd on ${name}`, 'no answer']];
}

/** @param metrics in Prometheus' text format */
function leaderIn(metrics: string): string {
  const has = (gauge: string): boolean => new RegExp(`^${gauge} 1$`, 'm').test(metrics);
  if (!has('etcd_server_has_leader')) return 'none';
  return has('etcd_server_is_leader') ? 'itself' : 'another';
}
