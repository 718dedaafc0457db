import { isObject } from '../../cloud/exchange.ts';
import type { TestNode } from '../../fakes/node.ts';

/** Returns the records of a node's audit, oldest first. */
export async function auditOf({ read }: Pick<TestNode, 'read'>): Promise<Record<string, unknown>[]> {
  const lines = (await read('/var/log/coe-agent/audit.jsonl')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as unknown).filter(isObject);
}
