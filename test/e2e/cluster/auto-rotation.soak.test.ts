import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe } from 'vitest';
import { startAggregatedApi } from './aggregated-api.ts';
import { type Completion, RETIRED } from './completion.ts';
import { monitorReadiness } from './health-monitor.ts';
import { type Load, startLoad, writeIdentity } from './load.ts';
import { installAgent, renewKubeconfig } from './magnum-cluster.ts';
import { powerCycleInTurn } from './power-cycle.ts';
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

/** Each run writes its figures below this folder; docs/performance.md has those of a measured one. */
const FOLDER = resolve('build/auto-rotation');
/** Time for which the clients are observed before the rotation and after its end. */
const AROUND_MS = 60_000;

/** A rotation with clients; `folder` gets their report. */
function describeUnderLoad(which: string, folder: string, meanwhile?: Completion['meanwhile']): void {
  describe(`${which}, under load`, () => {
    let load: Load;
    beforeAll(async () => {
      await mkdir(folder, { recursive: true });
      load = await startLoad(folder, { pod: PROBE_POD, aggregated: await startAggregatedApi() });
      await delay(AROUND_MS);
      load.mark('trust', 'old');
    }, 6 * AROUND_MS);
    afterAll(async () => {
      await delay(AROUND_MS);
      process.stdout.write(`${await load.stop()}\n`);
    }, 3 * AROUND_MS);

    describeRotation('the cluster', () => pod, {
      ...RETIRED,
      ...(meanwhile && { meanwhile }),
      until: async () => {
        await renewKubeconfig();
        await writeIdentity(folder, 'new');
        await writeIdentity(folder, 'both', 'old');
        load.mark('reissue and retire', 'both');
        await RETIRED.until();
        load.mark('afterwards', 'new', 'both');
      },
    });
  });
}

describeUnderLoad('a rotation', join(FOLDER, 'quiet'));

// The clients with the new CA start when the power is back.
describeUnderLoad(
  'a rotation in which a master loses its power in each phase',
  join(FOLDER, 'power'),
  async (all) => {
    const masters = all.filter(({ role }) => role === 'master');
    for (const phase of ['trust', 'reissue', 'retire'] as const) await powerCycleInTurn(masters, phase);
  },
);

describe('behind a load balancer that checks the readiness of the API servers', () => {
  beforeAll(monitorReadiness);
  describeUnderLoad('a third rotation', join(FOLDER, 'readiness'));
});
