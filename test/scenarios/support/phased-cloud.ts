import { afterAll } from 'vitest';
import { type Cloud, startCloud } from '../../cloud/cloud.ts';
import type { Site } from './site.ts';

/** A cloud for the tests of one file, whose CA is rotated repeatedly. */
type PhasedCloud = {
  cloud: Cloud;
  /** `openstack coe ca rotate`, in a stack whose template has this phase. */
  rotateCa(site: Site, phase: string): Promise<void>;
  /** Requests another phase of the same rotation, and returns the answer to Heat. */
  ask(site: Site, phase: string): Promise<Record<string, unknown>>;
  /** Runs one pass, and returns the answer to Heat. */
  answer(site: Site): Promise<Record<string, unknown>>;
};

/** Call at the top of a test file; the cloud is closed after its last test. */
export async function startPhasedCloud(): Promise<PhasedCloud> {
  // Certificates have whole seconds, so rotations must not share one.
  let behindMs = 120_000;
  const cloud = await startCloud({ now: () => Date.now() - behindMs });
  afterAll(async () => {
    await cloud.close();
  });
  const answer = async (site: Site): Promise<Record<string, unknown>> => {
    await site.pass();
    await cloud.settled(site.cluster);
    return site.signals().at(-1)?.body ?? {};
  };
  return {
    cloud,
    rotateCa: async (site, phase) => {
      site.cluster.stack.parameters['phase'] = phase;
      behindMs -= 2000;
      await cloud.rotateCa(site.cluster);
    },
    ask: async (site, phase) => {
      site.cluster.stack.update({ phase });
      return await answer(site);
    },
    answer,
  };
}
