import { fill } from '../../src/certificates/template.ts';
import type { RotateOperation } from '../../src/operation/operation.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { WorkloadsPlan } from '../../src/services/workloads.ts';
import type { Config } from '../config.ts';
import type { Node } from '../node.ts';

/** How the workloads of the cluster are restarted, where that is wanted and this node has an API server for it. */
export function workloadsFor(
  { restartWorkloads }: Pick<RotateOperation, 'restartWorkloads'>,
  units: readonly UnitPlan[],
  node: Node,
  config: Config,
): { workloads: WorkloadsPlan | undefined; notices: string[] } {
  const isWanted = restartWorkloads ?? config.workloads.restart;
  if (!isWanted || units.length === 0) return { workloads: undefined, notices: [] };
  const workloads = throughOwnApi(units, node, config);
  const why = `a ${node.role} of the layout ${node.chosen.layout.name} has no Kubernetes API: the workloads are restarted by a master`;
  return { workloads, notices: workloads || restartWorkloads !== true ? [] : [why] };
}

function throughOwnApi(
  units: readonly UnitPlan[],
  { layout, values }: Node,
  { workloads }: Config,
): WorkloadsPlan | undefined {
  const row = layout.units.find(({ isKubernetesApi }) => isKubernetesApi === true);
  const named = (name: string | undefined) => layout.certificates.find((one) => one.name === name);
  const leaf = named(row?.probe?.presents);
  const ca = layout.authorities.find((one) => one.ca === leaf?.ca && one.single !== true);
  const identity = named(row?.health?.as)?.files;
  if (!row?.probe || !leaf?.files || !ca || !identity) return undefined;
  const probe = units.find(({ name }) => name === row.unit)?.probe;
  return {
    host: probe?.host ?? fill(row.probe.host, values),
    port: probe?.port ?? Number(fill(row.probe.port, values)),
    leaf: leaf.files.certificate.path,
    ca: ca.file.path,
    identity: { certificate: identity.certificate.path, key: identity.key.path },
    holder: values.get('INSTANCE_NAME') || (values.get('HOSTNAME') ?? ''),
    namespaces: [...workloads.namespaces],
    perSecond: workloads.per_second,
    deadlineMs: workloads.deadline_seconds * 1000,
  };
}
