import { createHash } from 'node:crypto';
import { readText } from '../../src/base/disk.ts';
import { createKubernetes } from '../../src/services/kubernetes.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import { readsOf, showsFile } from '../../src/services/pod-spec.ts';
import { listWorkloads, replacePods } from '../../src/services/replace-pods.ts';
import type { RollOutHands } from '../../src/services/roll-out.ts';
import type { Rolled, WorkloadsPlan } from '../../src/services/workloads.ts';
import type { Hands } from '../hands.ts';
import { readNode } from '../node.ts';

/** Pod annotation with the node certificates that the pod was started with. */
const MARK = 'coe-agent/node-certificates';

/**
 * Replaces pods that mount certificates of this node by hostPath, such as k8s-keystone-auth, which reads them only at
 * its start. The master that restarts all workloads does so before the other masters have new certificates. So each of
 * those masters replaces these pods once more.
 */
export async function replaceCertificateMounts(
  plan: WorkloadsPlan,
  ask: AskApi,
  telling: Pick<RollOutHands, 'notice' | 'tend'>,
  hands: Hands,
  abort: AbortSignal,
): Promise<Rolled[]> {
  const { clock, retry, disk } = hands;
  const { layout } = await readNode(hands);
  const files = [
    ...layout.authorities.map(({ file }) => file.path),
    ...layout.certificates.flatMap(({ files: own }) => (own ? [own.certificate.path] : [])),
  ];
  const hash = createHash('sha256').update(plan.holder);
  for (const path of files) hash.update(`${path}\0${(await readText(disk, path)) ?? ''}\0`);
  const mark = hash.digest('hex').slice(0, 16);
  const kubernetes = createKubernetes(ask, retry, { baseMs: 500, capMs: 15_000, forMs: plan.deadlineMs });
  const group = (await listWorkloads(kubernetes, abort))
    .filter((workload) => {
      const { hostPaths } = readsOf(workload.spec.template.spec);
      return hostPaths.some((path) => files.some((file) => showsFile(path, file)));
    })
    .map((workload) => ({ workload, mark }));
  return await replacePods(group, MARK, plan, { kubernetes, clock, ...telling }, abort);
}
