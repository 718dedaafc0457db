import { killedAtEachStep } from './every-step.ts';
import { PHASES } from './scenarios.ts';

killedAtEachStep(PHASES, 30);
