import type { Outcome } from '../../src/deployment/deployment.ts';
import { failed } from '../../src/deployment/outcome.ts';

/** How a plan has ended. */
export type Ended = { is: 'done'; outcome: Outcome } | Failed;

export type Failed = {
  is: 'failed';
  /** The cause, and what became of the node. */
  error: unknown;
  /** Nothing was replaced; the files of before are back; or neither way is possible, and both generations are kept. */
  node: 'as-before' | 'taken-back' | 'stuck';
};

/** What is recorded and answered. */
export const outcomeOf = (ended: Ended): Outcome =>
  ended.is === 'done' ? ended.outcome : failed(ended.error);
