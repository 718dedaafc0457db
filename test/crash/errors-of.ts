import { systemClock } from '../../src/base/clock.ts';
import { createDisk } from '../../src/base/real-disk.ts';
import type { OutcomeError } from '../../src/deployment/deployment.ts';
import { errorIn } from '../../src/deployment/outcome.ts';
import { openLedger } from '../../src/deployment/ledger.ts';

/** Returns the errors of a node's deployments from its ledger, oldest first; undefined for a success. */
export async function errorsOf({ node }: { node: { root: string } }): Promise<OutcomeError[]> {
  const hands = { disk: createDisk(node.root), clock: systemClock, onDamage: refuseDamage };
  const ledger = await openLedger(hands, '/var/lib/coe-agent/deployments');
  return ledger.entries().map(({ outcome }) => errorIn(outcome));
}

function refuseDamage(path: string, cause: unknown): void {
  throw new Error(`the record ${path} is damaged`, { cause });
}
