import { afterAll, beforeAll } from 'vitest';
import { RETIRED } from './completion.ts';
import { installAgent } from './magnum-cluster.ts';
import { type ProbePod, startProbePod } from './probe-pod.ts';
import { describeRotation } from './rotation-suite.ts';

/**
 * `openstack coe ca rotate` on a cluster made by Magnum, on whose nodes the agent has replaced heat-container-agent,
 * without other changes. Heat's answer is the end of `trust`; the nodes take the other phases automatically.
 */

let pod: ProbePod;
beforeAll(async () => {
  await installAgent();
  pod = await startProbePod();
});
afterAll(async () => {
  await pod?.close();
});

describeRotation('a rotation', () => pod, RETIRED);
