import * as v from 'valibot';
import { readCredentials } from './credentials.ts';
import type { Description, Node } from './description.ts';
import { type Look, LOOK_MS, type Seen } from './look.ts';
import { send } from './request.ts';

/** etcd's gRPC gateway: /v3/maintenance/status; a uint64 is a string there. */
const Status = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ header: v.object({ member_id: v.string() }), leader: v.optional(v.string(), 'none') }),
);
const Health = v.pipe(v.string(), v.parseJson(), v.object({ health: v.union([v.string(), v.boolean()]) }));

/** Looks at each member's health and leader, as the first accepted identity. */
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
      const status = await send(target, credentials, {
        method: 'POST',
        path: '/v3/maintenance/status',
        body: {},
        timeoutMs: LOOK_MS,
      });
      const { header, leader } = v.parse(Status, status.text);
      const isHealthy = String(v.parse(Health, health.text).health) === 'true';
      return [
        [`etcd on ${name}`, isHealthy ? 'healthy' : 'unhealthy'],
        [`leader of etcd, says ${name}`, leader === header.member_id ? 'itself' : leader],
      ];
    } catch {
      // The next identity may be accepted.
    }
  }
  return [[`etcd on ${name}`, 'no answer']];
}
