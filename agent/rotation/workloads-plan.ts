import type { RotateOperation } from '../../src/operation/operation.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { WorkloadsPlan } from '../../src/services/workloads.ts';
import type { Config } from '../config.ts';
import type { Node } from '../node.ts';
import { ownApiOf } from './own-api.ts';

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
  node: Node,
  { workloads }: Config,
): WorkloadsPlan | undefined {
  const api = ownApiOf(units, node);
  return (
    api && {
      ...api,
      namespaces: [...workloads.namespaces],
      perSecond: workloads.per_second,
      deadlineMs: workloads.deadline_seconds * 1000,
    }
  );
}
