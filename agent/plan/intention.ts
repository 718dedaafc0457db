import type { IdleReason } from '../../src/operation/operation.ts';
import type { Node } from '../node.ts';
import type { Plan } from './plan.ts';
import type { RunStep } from './step.ts';

/** The work of an operation on the node's own files or units. `why` names the layout, or the reason to do nothing. */
export type NodeIntention =
  | { kind: 'change'; node: Node; plan: Plan; why: string }
  | { kind: 'nothing'; reason: NothingReason; why: string };

/** Why there is nothing to do. */
export type NothingReason = IdleReason | 'nothing-differs' | 'list-in-place' | 'has-credentials';

/** The decoded request of Magnum's own deployment. */
export type MagnumAsks = 'rotation' | 'keys' | 'upgrade' | 'roll-back' | 'nothing';

/** The work of an operation on this node. */
export type Intention = (NodeIntention | RunIntention) & { magnum?: MagnumAsks };

/** `continues`: after a successful run, the operation is decided again. */
export type RunIntention = { kind: 'run'; run: RunStep; why: string; continues?: true };
