import { setImmediate } from 'node:timers/promises';
import { runDaemon } from '../../../agent/daemon.ts';
import type { Hands } from '../../../agent/hands.ts';
import type { Notify } from '../../../agent/notify.ts';
import { digestOf, writeLastAnswer } from '../../../agent/polling/last-answer.ts';
import { splayOf } from '../../../agent/polling/schedule.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { Disk } from '../../../src/base/disk.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { seededRandom } from '../../crash/random.ts';

/** Many daemons on one clock that advances only when all of them wait. Times are in milliseconds since the start. */
export type Fleet = {
  readonly polls: readonly number[];
  now(): number;
  /** Whether Heat answers. */
  isUp: boolean;
  /** Lets time pass. */
  run(ms: number): Promise<void>;
  stop(): Promise<void>;
};

type Sleeper = { until: number; wake(): void };

/**
 * Starts daemons at once, of nodes that have reached the cloud before, as after a power failure.
 *
 * @param hands of a real composition; each daemon replaces the clock, the disk and the collectors
 */
export async function startFleet(
  hands: Hands,
  { size, seed }: { size: number; seed: number },
): Promise<Fleet> {
  const random = seededRandom(seed);
  const polls: number[] = [];
  const sleepers = new Set<Sleeper>();
  let now = 0;
  const disks = Array.from({ length: size }, () => memoryDisk(hands.disk));

  const clock: Clock = {
    now: () => START + now,
    elapsed: () => now,
    sleep: async (ms, abort) =>
      await new Promise((resolve, reject) => {
        const sleeper = { until: now + ms, wake: resolve };
        sleepers.add(sleeper);
        abort.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(new AgentError('aborted', 'stopped while waiting'));
        });
      }),
  };
  const collect = async () => {
    polls.push(now);
    await Promise.resolve();
    if (!fleet.isUp) throw new AgentError('cloud-unreachable', 'Heat is away');
    return [ANSWER];
  };
  const daemon = async (disk: Disk, stopping: AbortSignal): Promise<void> => {
    const { config } = hands;
    const splayMs = splayOf(config.poll, { isKnown: true });
    if (splayMs > 0) await clock.sleep(random() * splayMs, stopping).catch(() => undefined);
    const own: Hands = {
      ...hands,
      clock,
      disk,
      log: quiet,
      collectors: [{ name: 'heat', collect }],
      generations: { ...hands.generations, underWay: async () => await Promise.resolve(false) },
      runs: { ...hands.runs, runs: { ...hands.runs.runs, list: async () => await Promise.resolve([]) } },
      pollingOverride: { ...hands.pollingOverride, observe: async () => await Promise.resolve(false) },
    };
    // A signal keeps a listener for every wait: no signal is shared by all daemons.
    const { signal: reload } = new AbortController();
    const signals = { stopping, reload, nextWake: () => new AbortController().signal };
    await runDaemon(own, SILENT, signals, random, { since: undefined, told: new Map() });
  };
  const fleet: Fleet = {
    polls,
    now: () => now,
    isUp: true,
    run: async (ms) => {
      const end = now + ms;
      for (;;) {
        await setImmediate();
        const next = Math.min(...[...sleepers].map(({ until }) => until));
        if (next > end) break;
        // In slots: wakes due within a tenth of a second happen together.
        now = Math.max(now, Math.floor(next / SLOT_MS) * SLOT_MS);
        for (const sleeper of sleepers)
          if (sleeper.until < now + SLOT_MS) {
            sleepers.delete(sleeper);
            sleeper.wake();
          }
      }
      now = end;
    },
    stop: async () => {
      for (const stop of stops) stop.abort();
      await Promise.all(running);
    },
  };
  for (const disk of disks)
    await writeLastAnswer({ disk }, digestOf(JSON.stringify([{ ...ANSWER, collector: 'heat' }])));
  const stops = disks.map(() => new AbortController());
  const running = disks.map(async (disk, index) => await daemon(disk, stops[index]?.signal ?? NEVER));
  return fleet;
}

const step = async (work: () => void = () => undefined): Promise<void> => {
  work();
  await Promise.resolve();
};

/** Files in a map; other operations use the disk of `real`. */
function memoryDisk(real: Disk): Disk {
  const files = new Map<string, Buffer>();
  return {
    ...real,
    read: async (path) => {
      await step();
      const content = files.get(path);
      if (!content) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
      return content;
    },
    create: async (path, content) => await step(() => files.set(path, Buffer.from(content))),
    rename: async (from, to) =>
      await step(() => {
        files.set(to, files.get(from) ?? Buffer.alloc(0));
        files.delete(from);
      }),
    remove: async (path) => await step(() => files.delete(path)),
    sync: async () => await step(),
  };
}

const ANSWER = { source: 'heat', text: '{"deployments": []}' };
const START = Date.UTC(2026, 0, 1);
const SLOT_MS = 100;
const NEVER = new AbortController().signal;
const quiet: Hands['log'] = Object.assign(() => undefined, {
  setLevel: () => undefined,
  setListener: () => undefined,
});
const SILENT: Notify = {
  status: () => undefined,
  passed: () => undefined,
  ready: () => undefined,
  atWork: () => undefined,
  reloading: () => undefined,
  reloaded: () => undefined,
  stopping: () => undefined,
};
