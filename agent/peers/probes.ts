import { join } from 'node:path';
import * as v from 'valibot';
import { codeOf } from '../../src/base/errors.ts';
import { readRecordOf, writeRecord } from '../../src/base/record.ts';
import { issueCertificates } from '../../src/certificates/issue.ts';
import { requestsOf } from '../../src/certificates/request.ts';
import type { ClientIdentity } from '../../src/services/health.ts';
import type { Cluster, Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { STATE } from '../paths.ts';
import type { Clients, PeerCa } from './clients.ts';

/** Client certificates of the served CA. They test whether peers accept that CA before the node itself uses it. */
export const PROBES = join(STATE, 'probes.json');

const Identity = v.object({ certificate: v.string(), key: v.string() });
const Probes = v.object({
  version: v.literal(1),
  /** The served CAs. */
  cas: v.string(),
  kubernetes: v.optional(Identity),
  etcd: v.optional(Identity),
});
export type Probes = Partial<Record<PeerCa, ClientIdentity>>;

/**
 * Returns the probes for these CAs; issues them once and keeps them. They have the names and usages of the node's own
 * clients, so they grant no additional rights.
 *
 * @throws Magnum's error
 */
export async function probesFor(
  cas: string,
  clients: Clients,
  node: Node,
  cluster: Cluster,
  hands: Hands,
): Promise<Probes> {
  const { disk, secrets, clock, config } = hands;
  const kept = await readRecordOf(disk, PROBES, Probes).catch((error: unknown) => {
    if (codeOf(error) !== 'state') throw error;
    return undefined;
  });
  const probes = kept?.cas === cas ? kept : await issueProbes();
  for (const one of [probes.kubernetes, probes.etcd]) if (one) secrets.addPassing(one.key);
  return {
    ...(probes.kubernetes && { kubernetes: probes.kubernetes }),
    ...(probes.etcd && { etcd: probes.etcd }),
  };

  async function issueProbes(): Promise<v.InferOutput<typeof Probes>> {
    const names = Object.values(clients).map(({ row }) => row.name);
    const requests = requestsOf(node.layout, node.values).filter(({ name }) => names.includes(name));
    const { certificates } = await issueCertificates(requests, [], config.keys, {
      readCa: cluster.readCa,
      sign: cluster.sign,
      recall: async () => await Promise.resolve(undefined),
      keep: async () => {
        await Promise.resolve();
      },
      now: clock.now,
      done: () => undefined,
    });
    const of = (ca: PeerCa): ClientIdentity | undefined => certificates.get(clients[ca]?.row.name ?? '');
    const [kubernetes, etcd] = [of('kubernetes'), of('etcd')];
    const fresh = { version: 1 as const, cas, ...(kubernetes && { kubernetes }), ...(etcd && { etcd }) };
    await writeRecord(disk, PROBES, fresh);
    return fresh;
  }
}
