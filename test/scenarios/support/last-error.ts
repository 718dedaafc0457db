import type { OutcomeError } from '../../../src/deployment/deployment.ts';
import { errorIn } from '../../../src/deployment/outcome.ts';
import type { Site } from './site.ts';

/** The code, and the reason where there is one, that the newest deployment has failed with. */
export const lastError = async (site: Site): Promise<OutcomeError> =>
  errorIn((await site.ledger()).at(-1)?.outcome);
