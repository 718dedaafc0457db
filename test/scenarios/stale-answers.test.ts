import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Hands } from '../../agent/hands.ts';
import { newMemory, pass } from '../../agent/pass.ts';
import type { Disk } from '../../src/base/disk.ts';
import { AgentError } from '../../src/base/errors.ts';
import { claimRecord, writeRecord } from '../../src/base/record.ts';
import { openLedger } from '../../src/deployment/ledger.ts';
import { type Claim, filesOf, type Result } from '../../src/hooks/run-files.ts';
import { createRuns } from '../../src/hooks/runs.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { rawDeployment } from '../src/support/deployments.ts';
import { NEVER } from '../src/support/clock.ts';
import { tempRoot } from '../src/support/temp-root.ts';
import { createSite } from './support/site.ts';

/**
 * Heat's answers arrive in any order, also stale and empty ones, and the agent is killed anywhere. Every final request
 * of Heat is run once and answered, and no answer completes a newer deployment than its own.
 */
const cloud = await cloudForFile();

type Answer =
  | { is: 'fresh' }
  /** The list from this many changes ago. */
  | { is: 'stale'; by: number }
  | { is: 'empty' }
  | { is: 'reversed' }
  | { is: 'none' };

type Event =
  | { do: 'ask'; resource: number }
  /** Runs a pass with these answers, repeating the last one, and kills it at its n-th effect. */
  | { do: 'look'; answers: Answer[]; killedAt?: number | undefined }
  | { do: 'Heat deaf'; deaf: boolean };

const answer: fc.Arbitrary<Answer> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Answer>({ is: 'fresh' }) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }).map((by): Answer => ({ is: 'stale', by })) },
  { weight: 2, arbitrary: fc.constant<Answer>({ is: 'empty' }) },
  { weight: 1, arbitrary: fc.constant<Answer>({ is: 'reversed' }) },
  { weight: 1, arbitrary: fc.constant<Answer>({ is: 'none' }) },
);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.nat(1).map((resource): Event => ({ do: 'ask', resource })) },
  {
    weight: 6,
    arbitrary: fc
      .record({
        answers: fc.array(answer, { minLength: 1, maxLength: 3 }),
        killedAt: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
      })
      .map((look): Event => ({ do: 'look', ...look })),
  },
  { weight: 2, arbitrary: fc.boolean().map((deaf): Event => ({ do: 'Heat deaf', deaf })) },
);

/** A deployment as Heat stores it; `order` increases like the creation time. */
type Asked = { id: string; resource: number; order: number; isAwaited: boolean };

const FIRST = Date.parse('2026-11-21T00:00:00Z');
const rawOf = ({ id, resource, order }: Asked): Record<string, unknown> =>
  rawDeployment(
    {
      deploy_signal_transport: 'CFN_SIGNAL',
      deploy_signal_id: `http://127.0.0.1/${resource}`,
      deploy_stack_id: 's/1',
      deploy_resource_name: `r${resource}`,
    },
    {
      id,
      // Names and creation times have opposite orders.
      name: `${1000 - order}`,
      group: 'script',
      config: '#!/bin/sh\n',
      creation_time: new Date(FIRST + order * 1000).toISOString(),
    },
  );

async function play(events: readonly Event[], composed: Hands): Promise<void> {
  const { disk: real } = await tempRoot();
  const history: Asked[][] = [[]];
  const executed: Asked[] = [];
  const acknowledged = new Set<string>();
  /** The newest deployment per resource that a completed pass has seen. */
  const known = new Map<number, number>();
  let asked = 0;
  let isDeaf = false;

  const current = (): Asked[] => history.at(-1) ?? [];
  const listed = (one: Answer): Asked[] => {
    if (one.is === 'none') throw new AgentError('cloud-unreachable', 'reading the metadata: no answer');
    if (one.is === 'empty') return [];
    if (one.is === 'stale') return history.at(-1 - one.by) ?? [];
    return one.is === 'reversed' ? current().toReversed() : current();
  };

  async function look(answers: readonly Answer[], killedAt = Infinity): Promise<boolean> {
    let touches = 0;
    let asks = 0;
    const told: Asked[] = [];
    /** After the kill, no effect reaches the world. */
    const touch = (): void => {
      touches += 1;
      if (touches >= killedAt) throw new Error('killed');
    };
    const disk = mortal(real, touch);
    const runs = createRuns('/runs', {
      disk,
      at: (path) => path,
      presenceOf: async () => await Promise.resolve('gone'),
      bootId: async () => await Promise.resolve('1'),
    });
    const supervisor = { pid: 1, startedAt: '1', boot: '1' };
    const hands: Hands = {
      ...composed,
      disk,
      ledger: await openLedger(
        { disk, clock: composed.clock, onDamage: (path) => expect.fail(`${path} is damaged`) },
        '/ledger',
      ),
      collectors: [
        {
          name: 'heat',
          collect: async () => {
            const found = listed(answers[Math.min(asks, answers.length - 1)] ?? { is: 'fresh' });
            asks += 1;
            told.push(...found);
            const text = JSON.stringify({ deployments: found.map(rawOf) });
            return await Promise.resolve([{ source: 'heat', text }]);
          },
        },
      ],
      runs: {
        ...composed.runs,
        disk,
        runs,
        at: (path) => path,
        // A supervisor process of its own, which survives a kill of the agent.
        start: async (directory) => {
          touch();
          const id = directory.split('/').at(-1) ?? '';
          const one = history.flat().find((candidate) => candidate.id === id);
          if (one) executed.push(one);
          const claim: Claim = { by: 'supervisor', supervisor };
          await claimRecord(real, filesOf(directory).claim, 'it', claim);
          const result: Result = { statusCode: 0, stdout: id, stderr: '' };
          await writeRecord(real, filesOf(directory).result, result);
          return async () => await Promise.resolve(true);
        },
      },
      signals: {
        ...composed.signals,
        signalAddress: async (url, _verb, body) => {
          touch();
          if (isDeaf) throw new AgentError('cloud-refused', 'signalling: 404');
          receive(Number(url.split('/').at(-1)), body, told);
          await Promise.resolve();
        },
      },
    };
    let result;
    try {
      result = await pass(hands, newMemory(), NEVER);
    } catch (error) {
      if (touches < killedAt) throw error;
    }
    if (touches >= killedAt) return false;
    for (const { resource, order } of told) known.set(resource, Math.max(known.get(resource) ?? 0, order));
    return result?.open.length === 0;
  }

  /** Accepts an answer like Heat: for any waiting deployment of the resource. */
  function receive(resource: number, body: string, told: readonly Asked[]): void {
    const id = history.flat().find((one) => body.includes(one.id))?.id ?? '';
    const order = Number(id.slice(1));
    const newest = Math.max(
      known.get(resource) ?? 0,
      ...told.filter((one) => one.resource === resource).map((one) => one.order),
    );
    expect(order, 'an answer for the newest deployment that the node knows').toBe(newest);
    acknowledged.add(id);
    for (const one of current()) if (one.resource === resource) one.isAwaited = false;
  }

  for (const one of events)
    if (one.do === 'Heat deaf') isDeaf = one.deaf;
    else if (one.do === 'look') await look(one.answers, one.killedAt);
    else {
      asked += 1;
      const next: Asked = { id: `d${asked}`, resource: one.resource, order: asked, isAwaited: true };
      history.push([next, ...current().filter(({ resource }) => resource !== one.resource)]);
    }

  isDeaf = false;
  for (let times = 0; !(await look([{ is: 'fresh' }])); times += 1)
    if (times > 3) expect.fail('an answer stays open');
  const ids = executed.map(({ id }) => id);
  expect(new Set(ids).size, 'nothing runs twice').toBe(ids.length);
  for (const { id, isAwaited } of current()) {
    expect(ids).toContain(id);
    expect(acknowledged).toContain(id);
    expect(isAwaited).toBe(false);
  }
  for (const resource of [0, 1]) {
    const orders = executed.filter((one) => one.resource === resource).map(({ order }) => order);
    expect(orders, 'nothing runs after a newer one').toEqual(orders.toSorted((a, b) => a - b));
  }
}

/** Returns a disk that stops working when the program is killed. */
function mortal(real: Disk, touch: () => void): Disk {
  const wrap =
    <A extends unknown[], T>(method: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      touch();
      return await method(...args);
    };
  return {
    ...real,
    create: wrap(real.create),
    rename: wrap(real.rename),
    remove: wrap(real.remove),
    removeTree: wrap(real.removeTree),
    makeDirectory: wrap(real.makeDirectory),
  };
}

test('runs and answers every final request of Heat once, whatever it has answered in between', async () => {
  const composed = await (await createSite(cloud, { bare: true })).start();
  const events = fc.array(event, { minLength: 3, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(events, async (some) => {
      await play(some, composed);
    }),
    { numRuns: 150, interruptAfterTimeLimit: 45_000 },
  );
});
