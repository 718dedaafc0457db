import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import { finishUnfinished, type Records } from '../../../agent/pass/unfinished.ts';
import { FOLLOW_UPS, followUpsText } from '../../../agent/rotation/follow-ups.ts';
import { GENERATION, RUNS } from '../../../agent/paths.ts';
import { type Cloud, startCloud } from '../../cloud/cloud.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { NEVER } from '../../src/support/clock.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

const MINUTE = 60_000;

type Memory = { records: Records | undefined };

/** A daemon between two polls. `look` waits that long first, and returns whether the records were read. */
async function daemonOf(site: Site): Promise<{ look(afterMs: number): Promise<boolean>; memory: Memory }> {
  const own = await site.start();
  let reads = 0;
  const read: Hands['disk']['read'] = async (path) => {
    if (path === FOLLOW_UPS) reads += 1;
    return await own.disk.read(path);
  };
  const hands = { ...own, disk: { ...own.disk, read } };
  const memory: Memory = { records: undefined };
  return {
    memory,
    look: async (afterMs) => {
      reads = 0;
      await site.clock.sleep(afterMs, NEVER);
      await finishUnfinished(hands, memory, NEVER);
      return reads > 0;
    },
  };
}

test('reads the records of unfinished work again only after a change, or when work is due', async () => {
  const site = await createSite(cloud);
  const { look } = await daemonOf(site);
  expect(await look(0)).toBe(true);
  // A change in the same tick of the kernel's clock could still hide.
  expect(await look(500)).toBe(true);
  expect(await look(600)).toBe(true);
  expect([await look(MINUTE), await look(MINUTE)]).toEqual([false, false]);

  const due = site.clock.now() + 10 * MINUTE;
  await site.node.write(FOLLOW_UPS, followUpsText({ tokens: { due } }));
  expect([await look(MINUTE), await look(MINUTE), await look(MINUTE)]).toEqual([true, true, false]);
  expect(await look(10 * MINUTE)).toBe(true);
});

test.each([`${GENERATION}/journal`, `${RUNS}/other/run.json`])(
  'does not rely on them while there is %s',
  async (path) => {
    const site = await createSite(cloud);
    const { look, memory } = await daemonOf(site);
    for (let count = 0; count < 3; count += 1) await look(MINUTE);
    expect(memory.records?.quietUntil).toBe(Infinity);
    await site.node.write(path, '');
    for (let count = 0; count < 3; count += 1) {
      // An empty journal cannot be recovered.
      await look(MINUTE).catch(() => undefined);
      expect(memory.records?.quietUntil).toBeUndefined();
      await site.node.write(path, '');
    }
  },
);
