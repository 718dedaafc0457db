import { afterAll, beforeAll } from 'vitest';
import { installAgent } from './magnum-cluster.ts';
import { type ProbePod, startProbePod } from './probe-pod.ts';
import { describeRotation } from './rotation-suite.ts';

/**
 * `openstack coe ca rotate` on a cluster of Magnum's own making, on whose nodes the agent has taken the place of
 * heat-container-agent, and nothing else is changed.
 */

let pod: ProbePod;
beforeAll(async () => {
  await installAgent();
  pod = await startProbePod();
});
afterAll(async () => {
  await pod?.close();
});

describeRotation('a rotation', () => pod);
