import type { NodeState, Outcome } from '../../src/deployment/deployment.ts';
import { failed } from '../../src/deployment/outcome.ts';

/** How a plan has ended. */
export type Ended = { is: 'done'; outcome: Outcome } | Failed;

export type Failed = {
  is: 'failed';
  /** The cause, with the resulting state of the node in its message. */
  error: unknown;
  node: NodeState;
};

/** The outcome for the ledger and for Heat. */
export const outcomeOf = (ended: Ended): Outcome =>
  ended.is === 'done' ? ended.outcome : failed(ended.error, ended.node);
