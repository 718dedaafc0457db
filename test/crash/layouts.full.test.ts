import { killedAtEachStep } from './every-step.ts';
import { OTHER_LAYOUTS } from './scenarios.ts';

/** A rotation in the layouts that kills.full.test.ts has not. */
killedAtEachStep(OTHER_LAYOUTS, 60);
