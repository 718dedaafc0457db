import { createHash } from 'node:crypto';
import { given } from '../../src/metadata/heat-params.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/** (sqrt(5) - 1) / 2: its multiples modulo 1 lie apart by at least 1 / (sqrt(5) * count). */
const GOLDEN = 0.618_033_988_749_894_9;

/** As Magnum's templates name servers: a stack's name, the role, a number. */
const NUMBERED = /^(?<stack>.*?)-?(?<role>master|node|minion)-(?<number>\d+)$/;

/**
 * The share in [0, 1) of a span of time that belongs to this node, always the same one. The servers of a stack are
 * numbered, so their shares lie apart evenly, whatever their count; stacks are set off from each other by their names.
 */
export function shareOf(cluster: string, instance: string): number {
  const { stack = instance, role, number = '0' } = NUMBERED.exec(instance)?.groups ?? {};
  const position = 2 * Number(number) + (role === 'master' ? 1 : 0);
  return (offsetOf(`${cluster} ${stack}`) + position * GOLDEN) % 1;
}

/** The share of a node, by its cluster and its name in it. */
export const shareOfNode = (
  { params }: Pick<Node, 'params'>,
  { hostname }: Pick<Hands, 'hostname'>,
): number => shareOf(params.get('CLUSTER_UUID') ?? '', given(params, 'INSTANCE_NAME') ?? hostname);

const offsetOf = (text: string): number =>
  createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
