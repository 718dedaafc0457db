import type { Node } from '../node.ts';
import type { Plan } from './plan.ts';
import type { RunStep } from './step.ts';

/** What an operation on the node's own files or units comes to; `why` tells the layout, or why there is nothing to do. */
export type NodeIntention =
  | { kind: 'change'; node: Node; plan: Plan; why: string }
  | { kind: 'nothing'; why: string };

/** What Magnum's own deployment has turned out to ask for. */
export type MagnumAsks = 'rotation' | 'keys' | 'upgrade' | 'roll-back' | 'nothing';

/** What an operation comes to on this node. */
export type Intention = (NodeIntention | RunIntention) & { magnum?: MagnumAsks };

/** `continues`: when the run has succeeded, what the operation comes to is looked at once more. */
export type RunIntention = { kind: 'run'; run: RunStep; why: string; continues?: true };
