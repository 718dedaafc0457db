import { systemClock } from '../../src/base/clock.ts';
import { createDisk } from '../../src/base/real-disk.ts';
import type { OutcomeError } from '../../src/deployment/deployment.ts';
import { errorIn } from '../../src/deployment/outcome.ts';
import { openLedger } from '../../src/deployment/ledger.ts';

/** How the deployments of a node have failed, oldest first, by its ledger; undefined for one that has not. */
export async function errorsOf({ node }: { node: { root: string } }): Promise<OutcomeError[]> {
  const hands = { disk: createDisk(node.root), clock: systemClock, onDamage: refuseDamage };
  const ledger = await openLedger(hands, '/var/lib/coe-agent/deployments');
  return ledger.entries().map(({ outcome }) => errorIn(outcome));
}

function refuseDamage(path: string, cause: unknown): void {
  throw new Error(`the record ${path} is damaged`, { cause });
}
