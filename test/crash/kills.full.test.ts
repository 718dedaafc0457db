import { killedAtEachStep } from './every-step.ts';
import { SCENARIOS } from './scenarios.ts';

killedAtEachStep(SCENARIOS, 60);
