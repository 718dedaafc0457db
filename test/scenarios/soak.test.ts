import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import type { Effect, Fault } from '../cloud/faults.ts';
import { garbled, htmlPage, truncated } from '../cloud/spoil.ts';
import { seed, seededRandom } from '../crash/random.ts';
import { runLoop } from './support/daemon.ts';
import { createSite } from './support/site.ts';

const cloud = await cloudForFile();

const POLLS = 3000;
const ROTATIONS = 40;
/** The last polls reach a cloud without faults. */
const WELL_AGAIN = POLLS - 50;
/** Bytes that a poll may leave behind: the cloud in the same process records every request. A leak needs more. */
const LEFT_BEHIND = 1500;

const EFFECTS: readonly Effect[] = [
  ...[400, 401, 403, 404, 429, 500, 503].map((status): Effect => ({ kind: 'answer', status })),
  { kind: 'transform', change: garbled },
  { kind: 'transform', change: truncated },
  { kind: 'transform', change: htmlPage() },
  { kind: 'reset', when: 'before' },
  { kind: 'reset', when: 'after' },
  { kind: 'cut' },
];

const SERVICES = ['keystone', 'heat', 'magnum'] as const;

test('answers every deployment once over three thousand polls with random faults, in constant memory', async () => {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const site = await createSite(cloud, { config: { cloud: { patience_seconds: 20 } } });
  const rotateAt = new Set(Array.from({ length: ROTATIONS }, () => below(WELL_AGAIN)));
  const heap = new Map<number, number>();
  const ids: string[] = [];

  await runLoop(site, {
    times: POLLS,
    before: (poll) => {
      if (rotateAt.has(poll)) ids.push(ask(poll));
      if (below(10) === 0) cloud.clearFaults();
      if (below(10) === 0 && poll < WELL_AGAIN) cloud.fault(someFault());
      if (below(100) === 0) cloud.revokeTokens();
      if (poll === WELL_AGAIN) cloud.clearFaults();
      if (poll % 500 === 0) heap.set(poll, heapInUse());
    },
  });

  const accepted = site.signals().filter((signal) => signal.accepted);
  expect(new Set(accepted.map(({ deploymentId }) => deploymentId)).size).toBe(accepted.length);
  // Heat ignores unexpected answers, so only this check finds duplicated work.
  const taken = site.progress.flatMap((event) => (event.event === 'deployment' ? [event.id] : []));
  expect(taken.length).toBeGreaterThan(ROTATIONS / 2);
  expect(new Set(taken).size).toBe(taken.length);
  const states = new Map((await site.ledger()).map(({ id, state }) => [id, state]));
  for (const id of ids) {
    const wasAnswered = accepted.some(({ deploymentId }) => deploymentId === id);
    // A superseded deployment may never have been seen.
    expect(wasAnswered ? 'signalled' : (states.get(id) ?? 'superseded')).toMatch(/signalled|superseded/);
  }
  expect(accepted.at(-1)?.deploymentId).toBe(ids.at(-1));
  // Before the first of these, most of the growth is code that is compiled when it is first needed.
  const [early = 0, late = 0] = [heap.get(POLLS / 2), heap.get(POLLS)];
  expect((late - early) / (POLLS / 2)).toBeLessThan(LEFT_BEHIND);

  function ask(poll: number): string {
    return cloud.deploy(site.cluster, site.server, {
      resource: 'soak',
      group: 'coe-rotate',
      inputs: [{ name: 'reason' }],
      values: { reason: `poll ${poll}` },
      created: site.clock.now(),
    }).id;
  }

  function someFault(): Fault {
    const service = SERVICES[below(SERVICES.length)] ?? 'heat';
    const effect = EFFECTS[below(EFFECTS.length)] ?? { kind: 'cut' };
    return { service, effect, ...(below(2) === 0 ? {} : { times: 1 + below(5) }) };
  }
});

/** Used heap in bytes, after a full collection. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this Node has no gc()');
  Reflect.apply(collect, undefined, []);
  return process.memoryUsage().heapUsed;
}
