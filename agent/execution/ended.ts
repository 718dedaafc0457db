import type { NodeState, Outcome } from '../../src/deployment/deployment.ts';
import { failed } from '../../src/deployment/outcome.ts';

/** How a plan has ended. */
export type Ended = { is: 'done'; outcome: Outcome } | Failed;

export type Failed = {
  is: 'failed';
  /** The cause, and what became of the node. */
  error: unknown;
  node: NodeState;
};

/** What is recorded and answered. */
export const outcomeOf = (ended: Ended): Outcome =>
  ended.is === 'done' ? ended.outcome : failed(ended.error, ended.node);
