import { killedAtEachStep } from './every-step.ts';
import { OTHER_LAYOUTS } from './scenarios.ts';

/** Rotates in the layouts that kills.full.test.ts does not cover. */
killedAtEachStep(OTHER_LAYOUTS, 60);
