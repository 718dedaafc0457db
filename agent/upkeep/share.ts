import { createHash } from 'node:crypto';
import { given } from '../../src/metadata/heat-params.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/** (sqrt(5) - 1) / 2: its multiples modulo 1 lie apart by at least 1 / (sqrt(5) * count). */
const GOLDEN = 0.618_033_988_749_894_9;

/** Magnum's templates name servers by stack, role and number. */
const NUMBERED = /^(?<stack>.*?)-?(?<role>master|node|minion)-(?<number>\d+)$/;

/**
 * Returns this node's constant share, in [0, 1), of a span of time. The servers of a stack are numbered, so their
 * shares are spread evenly, whatever their count. The stack's name shifts them against those of other stacks.
 */
export function shareOf(cluster: string, instance: string): number {
  const { stack = instance, role, number = '0' } = NUMBERED.exec(instance)?.groups ?? {};
  const position = 2 * Number(number) + (role === 'master' ? 1 : 0);
  return (offsetOf(`${cluster} ${stack}`) + position * GOLDEN) % 1;
}

/** Returns the share of a node, from its cluster and its name in it. */
export const shareOfNode = (
  { params }: Pick<Node, 'params'>,
  { hostname }: Pick<Hands, 'hostname'>,
): number => shareOf(params.get('CLUSTER_UUID') ?? '', given(params, 'INSTANCE_NAME') ?? hostname);

const offsetOf = (text: string): number =>
  createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
