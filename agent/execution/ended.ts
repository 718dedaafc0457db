import type { NodeState, Outcome } from '../../src/deployment/deployment.ts';
import { failed } from '../../src/deployment/outcome.ts';

/** How a plan ended. */
export type Ended = { is: 'done'; outcome: Outcome } | Failed;

export type Failed = {
  is: 'failed';
  /** The cause; its message states the resulting state of the node. */
  error: unknown;
  node: NodeState;
};

/** Returns the outcome for the ledger and for Heat. */
export const outcomeOf = (ended: Ended): Outcome =>
  ended.is === 'done' ? ended.outcome : failed(ended.error, ended.node);
