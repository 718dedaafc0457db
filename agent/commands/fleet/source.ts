import type { Report } from '../../inspection/report.ts';

/** A node of the fleet, with the report of its agent. The report is not proof. */
export type FleetNode = {
  node: string;
  /** Undefined if only the missing report would tell it. */
  role: 'master' | 'worker' | undefined;
  /** Whether Kubernetes calls the node ready; true where nothing tells that. */
  isReady: boolean;
  report: Report | 'no-report' | 'bad-report';
};

/**
 * `nodes`: annotations of Kubernetes' Nodes, which agents repeat about once an hour. `stack`: outputs of a Heat stack,
 * each as old as the deployment that it answers.
 */
export type SourceKind = 'nodes' | 'stack';

export type Source = { kind: SourceKind; list(): Promise<FleetNode[]> };
