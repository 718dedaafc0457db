import type { Node } from '../node.ts';
import type { Plan } from './plan.ts';
import type { RunStep } from './step.ts';

/** What an operation on the node's own files or units comes to; `why` tells the layout, or why there is nothing to do. */
export type NodeIntention =
  | { kind: 'change'; node: Node; plan: Plan; why: string }
  | { kind: 'nothing'; why: string };

/** What an operation comes to on this node. */
export type Intention = NodeIntention | { kind: 'run'; run: RunStep; why: string };
