import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe } from 'vitest';
import { startAggregatedApi } from './aggregated-api.ts';
import { RETIRED } from './completion.ts';
import { type Load, startLoad, writeIdentity } from './load.ts';
import { installAgent, renewKubeconfig } from './magnum-cluster.ts';
import { PROBE_POD, type ProbePod, startProbePod } from './probe-pod.ts';
import { describeRotation } from './rotation-suite.ts';

/**
 * Only `openstack coe ca rotate` on a cluster with several masters: each node runs `trust`, `reissue` and `retire`
 * automatically.
 */

let pod: ProbePod;
beforeAll(async () => {
  await installAgent();
  pod = await startProbePod();
});
afterAll(async () => {
  await pod?.close();
});

/** Each run writes its figures to this folder; docs/performance.md has those of a measured one. */
const FOLDER = resolve('build/auto-rotation');
/** Time for which the clients are observed before the rotation and after its end. */
const AROUND_MS = 60_000;

describe('under load', () => {
  let load: Load;
  beforeAll(async () => {
    await mkdir(FOLDER, { recursive: true });
    load = await startLoad(FOLDER, { pod: PROBE_POD, aggregated: await startAggregatedApi() });
    await delay(AROUND_MS);
    load.mark('trust', 'old');
  }, 5 * AROUND_MS);
  afterAll(async () => {
    await delay(AROUND_MS);
    process.stdout.write(`${await load.stop()}\n`);
  }, 3 * AROUND_MS);

  describeRotation('a rotation', () => pod, {
    ...RETIRED,
    until: async () => {
      await renewKubeconfig();
      await writeIdentity(FOLDER, 'new');
      await writeIdentity(FOLDER, 'both', 'old');
      load.mark('reissue and retire', 'both');
      await RETIRED.until();
      load.mark('afterwards', 'new', 'both');
    },
  });
});

describeRotation('another rotation', () => pod, RETIRED);
