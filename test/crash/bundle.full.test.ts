import { killedAtEachStep } from './every-step.ts';
import { BUNDLES } from './scenarios.ts';

killedAtEachStep(BUNDLES, 40, { tls: true });
