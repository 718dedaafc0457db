import type { Hands } from '../hands.ts';

/** Who asked for a change. */
export type Asker = 'deployment' | 'verb' | OwnAsker;

/**
 * What makes the daemon change its node by itself: Magnum's CA, a certificate that ends or differs, a service-account
 * key whose grace has ended, pods that stay in deletion.
 */
type OwnAsker = 'magnum-ca' | 'renewal' | 'grace' | 'hanging-pods';

/** The daemon's own work, by its run id. A person may complete it too, with any verb that resumes an interrupted run. */
const OWN: Readonly<Record<string, OwnAsker>> = {
  'auto-trust': 'magnum-ca',
  'auto-reissue': 'magnum-ca',
  'auto-retire': 'magnum-ca',
  renewal: 'renewal',
  'end-of-grace': 'grace',
  'hanging-pods': 'hanging-pods',
};

const ownAskerOf = (runId: string): OwnAsker | undefined =>
  Object.hasOwn(OWN, runId) ? OWN[runId] : undefined;

/** Whether a run is the daemon's own work: no deployment and no verb records its end. */
export const isOwnWork = (runId: string): boolean => ownAskerOf(runId) !== undefined;

export const askerOf = (runId: string, { ledger }: Pick<Hands, 'ledger'>): Asker =>
  ownAskerOf(runId) ?? (ledger.find(runId) ? 'deployment' : 'verb');
