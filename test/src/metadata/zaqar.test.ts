import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { readRecord, writeRecord } from '../../../src/base/record.ts';
import type { Collected } from '../../../src/metadata/collector.ts';
import { parseMetadata } from '../../../src/metadata/decode.ts';
import { type Queue, zaqarCollector } from '../../../src/metadata/zaqar.ts';
import { createQueues, type Queues } from '../../cloud/queues.ts';
import { NEVER, testClock, type TestClock } from '../support/clock.ts';
import { agentErrorOf, thrownBy } from '../support/outcome-of.ts';
import { tempRoot, type TempRoot } from '../support/temp-root.ts';

const PATH = '/var/lib/coe-agent/zaqar.json';
const HEAT = 'heat';

type Bench = {
  clock: TestClock;
  queues: Queues;
  root: TempRoot;
  post(...bodies: unknown[]): void;
  /** The collector of a program that has just been started. */
  start(): ReturnType<typeof zaqarCollector>;
  /** The queue client between node and Zaqar; a test may break it. */
  queue: Queue;
};

/** Sets up a node and a Zaqar that share one clock. */
async function bench(): Promise<Bench> {
  const clock = testClock();
  const queues = createQueues({ now: clock.now });
  const root = await tempRoot();
  const queue: Queue = {
    id: 'q',
    page: 3,
    claimMs: 62_000,
    claim: async () => {
      const claim = queues.claim('q', 60, 3);
      return await Promise.resolve(claim.messages.length === 0 ? undefined : claim);
    },
    release: async (id) => {
      queues.release('q', id);
      await Promise.resolve();
    },
    has: async (wanted) => await Promise.resolve(queues.all('q').some(({ id }) => id === wanted)),
    removeClaimed: async ({ messages }) => {
      queues.remove(
        'q',
        messages.map(({ id }) => id),
      );
      await Promise.resolve();
    },
  };
  return {
    clock,
    queues,
    root,
    queue,
    post: (...bodies) => {
      for (const body of bodies) queues.post('q', [{ body, ttl: 3600 }], HEAT);
    },
    start: () => zaqarCollector(queue, { disk: root.disk, clock, path: PATH }),
  };
}

const said = async (collector: ReturnType<typeof zaqarCollector>): Promise<Collected[]> =>
  await collector.collect(NEVER);
const whole = (name: string): Collected => ({ source: 'zaqar', text: `{"deployments":["${name}"]}` });
const metadata = (name: string) => ({ deployments: [name] });

test('uses the newest message, removes all, and keeps the metadata while the queue is empty', async () => {
  const { clock, queues, post, start } = await bench();
  const collector = start();
  expect(await said(collector)).toEqual([]);
  clock.advance(62_000);
  post(metadata('a'), metadata('b'), metadata('c'), metadata('d'));
  expect(await said(collector)).toEqual([whole('d')]);
  expect(queues.all('q')).toEqual([]);
  expect(await said(collector)).toEqual([whole('d')]);
  expect(await said(start())).toEqual([whole('d')]);
});

test('removes a message only after its metadata is on disk, readable by the owner only', async () => {
  const { clock, queues, post, start, root, queue } = await bench();
  const collector = start();
  clock.advance(62_000);
  post(metadata('a'));
  const remove = queue.removeClaimed;
  queue.removeClaimed = async (...what) => {
    expect(await readRecord(root.disk, PATH)).toMatchObject({ queueId: 'q', text: whole('a').text });
    expect((await root.disk.info(PATH))?.mode).toBe(0o600);
    await remove(...what);
  };
  expect(await said(collector)).toEqual([whole('a')]);
  expect(queues.all('q')).toEqual([]);
});

test('leaves the message in the queue if the disk cannot be written', async () => {
  const { clock, queues, post, start, root } = await bench();
  const collector = start();
  clock.advance(62_000);
  post(metadata('a'));
  await root.write('/var/lib/coe-agent/zaqar.json/in-the-way', '');
  expect((await agentErrorOf(said(collector))).code).toBe('disk');
  expect(queues.all('q')).toHaveLength(1);
});

test('returns messages that a killed run claimed but did not store once the claim expires, in order', async () => {
  const { clock, queues, post, start } = await bench();
  post(metadata('a'));
  queues.claim('q', 60, 3); // ... and then it was killed
  const collector = start();
  expect(await said(collector)).toEqual([]);
  clock.advance(10_000);
  post(metadata('b'));
  expect(await said(collector)).toEqual([whole('b')]);
  for (let seconds = 10; seconds <= 120; seconds += 5) {
    clock.advance(5000);
    // The older message returns to the queue meanwhile, and must not replace the newer one.
    expect(await said(collector)).toEqual([whole('b')]);
  }
  expect(queues.all('q')).toEqual([]);
});

test('returns a message hidden by a claim with a lost answer once the claim expires', async () => {
  const { clock, queues, post, start, queue } = await bench();
  const collector = start();
  clock.advance(62_000);
  post(metadata('a'));
  const { claim } = queue;
  queue.claim = async (abort) => {
    await claim(abort);
    throw new AgentError('cloud-unreachable', 'the connection was reset');
  };
  await expect(said(collector)).rejects.toThrow('reset');
  queue.claim = claim;
  post(metadata('b'));
  expect(await said(collector)).toEqual([whole('b')]);
  clock.advance(61_000);
  expect(await said(collector)).toEqual([whole('b')]);
  clock.advance(62_000);
  expect(await said(collector)).toEqual([whole('b')]);
  expect(queues.all('q')).toEqual([]);
});

test('killed twice, ignores an old message that returns while the newest is still hidden', async () => {
  const { clock, queues, post, start, queue } = await bench();
  post(metadata('a'));
  queues.claim('q', 60, 3); // ... and then it was killed
  clock.advance(10_000);
  post(metadata('b'));
  const { release } = queue;
  queue.release = async () => await Promise.reject(new AgentError('aborted', 'killed'));
  await expect(said(start())).rejects.toThrow('killed');
  queue.release = release;
  const collector = start();
  clock.advance(51_000);
  expect(queues.free('q').map(({ body }) => body)).toEqual([metadata('a')]);
  expect(await said(collector)).toEqual([whole('b')]);
  clock.advance(62_000);
  expect(await said(collector)).toEqual([whole('b')]);
  expect(queues.all('q')).toEqual([]);
});

test('never goes back to an older message and reaches the newest, whatever fails and whenever it is killed', async () => {
  const step = fc.constantFrom('claim', 'release', 'removeClaimed', 'has');
  const event = fc.oneof(
    fc.record({ kind: fc.constant('post' as const) }),
    fc.record({ kind: fc.constant('look' as const), ms: fc.integer({ min: 0, max: 70_000 }) }),
    // The request is made or not, and no answer arrives; with `dies` the program restarts.
    fc.record({ kind: fc.constant('fail' as const), step, late: fc.boolean(), dies: fc.boolean() }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 14 }), async (events) => {
      const { clock, post, start, queue, root } = await bench();
      const real = { ...queue };
      let collector = start();
      let posted = 0;
      let told = 0;
      const look = async (): Promise<void> => {
        const [only] = await said(collector);
        const now = only === undefined ? 0 : Number(/\d+/.exec(only.text));
        expect(now).toBeGreaterThanOrEqual(told);
        told = now;
      };
      for (const one of events) {
        if (one.kind === 'post') post(metadata(String((posted += 1))));
        else if (one.kind === 'look') {
          clock.advance(one.ms);
          await look();
        } else {
          const fail = async (work: () => Promise<unknown>): Promise<never> => {
            if (one.late) await work();
            throw new AgentError('cloud-unreachable', 'lost');
          };
          Object.assign(queue, {
            [one.step]: async (...what: unknown[]) =>
              await fail(async () => {
                await Reflect.apply(real[one.step], undefined, what);
              }),
          });
          await look().catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'cloud-unreachable' });
          });
          Object.assign(queue, real);
          if (one.dies) collector = start();
        }
      }
      for (let minute = 0; minute < 4; minute += 1) {
        clock.advance(62_000);
        await look();
      }
      expect(told).toBe(posted);
      await root.disk.remove(PATH);
    }),
    { numRuns: 300 },
  );
}, 120_000);

test('reports a message that is not an object, and keeps the former metadata', async () => {
  const { clock, queues, post, start } = await bench();
  const collector = start();
  clock.advance(62_000);
  post(metadata('a'), 'junk');
  const [good, junk, ...rest] = await said(collector);
  expect([good, rest]).toEqual([whole('a'), []]);
  expect(junk?.source).toMatch(/^zaqar\b/);
  expect(thrownBy(() => junk && parseMetadata(junk)).code).toBe('bad-metadata');
  expect(await said(collector)).toEqual([whole('a')]);
  expect(queues.all('q')).toEqual([]);
});

test('reports a damaged record until the next message replaces it', async () => {
  const { post, start, root } = await bench();
  await root.write(PATH, '{"queueId":"q"');
  const collector = start();
  const error = await agentErrorOf(said(collector));
  expect(error.code).toBe('state');
  expect(error.message).toContain(PATH);
  post(metadata('a'));
  expect(await said(collector)).toEqual([whole('a')]);
});

test('ignores the record of another queue', async () => {
  const { start, root } = await bench();
  await root.write(PATH, '');
  await writeRecord(root.disk, PATH, { queueId: 'another', messageId: 'm', text: '{}' });
  expect(await said(start())).toEqual([]);
});

test('reads any JSON record as metadata or an agent error', async () => {
  const { start, root } = await bench();
  await root.write(PATH, '');
  const close = fc.record({
    queueId: fc.constantFrom('q', 'x'),
    messageId: fc.jsonValue(),
    text: fc.jsonValue(),
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), close), async (value) => {
      await writeRecord(root.disk, PATH, value);
      await said(start()).catch((error: unknown) => {
        expect(error).toBeInstanceOf(AgentError);
      });
    }),
    { numRuns: 50 },
  );
});
