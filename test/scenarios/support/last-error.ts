import type { OutcomeError } from '../../../src/deployment/deployment.ts';
import { errorIn } from '../../../src/deployment/outcome.ts';
import type { Site } from './site.ts';

/** The code, and the reason if any, of the newest deployment's failure. */
export const lastError = async (site: Site): Promise<OutcomeError> =>
  errorIn((await site.ledger()).at(-1)?.outcome);
