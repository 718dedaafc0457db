import type { RotateOperation } from '../../src/operation/operation.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { ObjectsPlan, WorkloadsPlan } from '../../src/services/workloads.ts';
import type { Config } from '../config.ts';
import type { Node } from '../node.ts';
import type { PlanNotice } from '../plan/step.ts';
import { ownApiOf } from './own-api.ts';

/** Plans the restart of the cluster's workloads, if requested and if this node has an API server. */
export function workloadsFor(
  { restartWorkloads }: Pick<RotateOperation, 'restartWorkloads'>,
  units: readonly UnitPlan[],
  node: Node,
  config: Config,
): { workloads: WorkloadsPlan | undefined; notices: PlanNotice[] } {
  const isWanted = restartWorkloads ?? config.workloads.restart;
  if (!isWanted || units.length === 0) return { workloads: undefined, notices: [] };
  const api = throughOwnApi(units, node, config);
  const workloads = api && { ...api, namespaces: [...config.workloads.namespaces] };
  const text = `a ${node.role} of the layout ${node.chosen.layout.name} has no Kubernetes API: restart the workloads on a master`;
  return {
    workloads,
    notices:
      workloads || restartWorkloads !== true
        ? []
        : [{ code: 'workloads-elsewhere', of: node.chosen.layout.name, text }],
  };
}

/**
 * Returns how to reach objects and pods of the cluster, and how fast to replace pods; undefined without an own API
 * server.
 */
export function throughOwnApi(
  units: readonly UnitPlan[],
  node: Node,
  { workloads }: Config,
): ObjectsPlan | undefined {
  const api = ownApiOf(units, node);
  return api && { ...api, perSecond: workloads.per_second, deadlineMs: workloads.deadline_seconds * 1000 };
}
