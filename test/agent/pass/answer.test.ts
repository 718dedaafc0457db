import { describe, expect, test } from 'vitest';
import { answer, answerAll } from '../../../agent/pass/answer.ts';
import type { Wanted } from '../../../agent/pass/collect.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { Deployment } from '../../../src/deployment/deployment.ts';
import type { Entry } from '../../../src/deployment/ledger.ts';
import { DONE } from '../../fakes/generation.ts';
import { createHands, type TestHands } from '../../fakes/hands.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { deployment, HEAT_SIGNAL } from '../../src/support/deployments.ts';

const WORK = deployment(HEAT_SIGNAL);
const { id } = WORK;
const NEWER = deployment(HEAT_SIGNAL, { id: 'newer', creation_time: '2026-11-22T00:00:00Z' });

const listed = (deployments: Deployment[], complete = true): Wanted => ({
  deployments,
  said: [],
  isWhole: complete,
  complete,
  problems: [],
});

type Site = TestHands & { bodies: string[]; entry(): Entry };

/** Makes a node with one deployment in its ledger, and a Heat that acknowledges or not. */
async function createSite(state: 'started' | 'finished', refusal?: AgentError): Promise<Site> {
  const bodies: string[] = [];
  const test = await createHands();
  const { ledger, signals } = test.hands;
  await ledger.accept(WORK);
  await ledger.start(id);
  if (state === 'finished') await ledger.finish(id, DONE);
  const signalResource = async (_: unknown, body: string): Promise<void> => {
    bodies.push(body);
    if (refusal) await Promise.reject(refusal);
  };
  const entry = (): Entry => {
    const found = ledger.find(id);
    if (!found) throw new Error('the deployment is not in the ledger');
    return found;
  };
  return { ...test, hands: { ...test.hands, signals: { ...signals, signalResource } }, bodies, entry };
}

const answerOf = async (site: Site, wanted: Wanted): ReturnType<typeof answer> =>
  await answer(site.entry(), wanted, site.hands, NEVER);

describe('a result', () => {
  test('that Heat waits for is sent, and acknowledged in the ledger', async () => {
    const site = await createSite('finished');
    expect(await answerOf(site, listed([WORK]))).toBeUndefined();
    expect(site.bodies.map((body): unknown => JSON.parse(body))).toMatchObject([{ deploy_status_code: 0 }]);
    expect(site.entry().state).toBe('signalled');
  });

  test('that Heat rejects stays open, with the wait that Heat asks for', async () => {
    const site = await createSite(
      'finished',
      new AgentError('cloud-refused', 'too many requests', { retryAfterMs: 7000 }),
    );
    expect(await answerOf(site, listed([WORK]))).toMatchObject({ id, retryAfterMs: 7000 });
    expect(site.bodies).toHaveLength(1);
    expect(site.entry().state).toBe('finished');
    expect(logged(site.log, 'answer-unacknowledged')).toMatchObject([{ deployment: id }]);
  });

  test('is retried for a while within one pass while Heat is down', async () => {
    const site = await createSite('finished', new AgentError('cloud-unreachable', 'away'));
    expect(await answerOf(site, listed([WORK]))).toMatchObject({ id });
    expect(site.bodies.length).toBeGreaterThan(1);
    expect(site.clock.elapsed()).toBeLessThanOrEqual(20_000);
  });

  test('of a superseded deployment is never sent', async () => {
    const site = await createSite('finished');
    expect(await answerOf(site, listed([NEWER]))).toBeUndefined();
    expect(site.bodies).toEqual([]);
    expect(site.entry().state).toBe('superseded');
    expect(logged(site.log, 'deployment-superseded')).toMatchObject([{ deployment: id, by: 'newer' }]);
  });

  test('of a deployment that is missing from one complete answer waits for the next', async () => {
    const site = await createSite('finished');
    expect(await answerOf(site, listed([]))).toMatchObject({ id });
    expect(logged(site.log, 'deployment-unlisted')).toEqual([]);
    expect(await answerOf(site, listed([]))).toBeUndefined();
    expect(logged(site.log, 'deployment-unlisted')).toHaveLength(1);
    expect(site.entry().signal).toBeUndefined();
    expect(await answerOf(site, listed([]))).toBeUndefined();
    expect(logged(site.log, 'deployment-unlisted')).toHaveLength(1);
    expect(site.bodies).toEqual([]);
  });

  test("is neither sent nor counted as unlisted if the deployment's state could not be asked", async () => {
    const site = await createSite('finished');
    for (let pass = 0; pass < 3; pass += 1)
      expect(await answerOf(site, listed([], false))).toMatchObject({ id });
    expect(site.bodies).toEqual([]);
    expect(site.entry().unlisted).toBeUndefined();
  });

  test('is sent to the listed address when an abandoned deployment is listed again', async () => {
    const site = await createSite('finished');
    await answerOf(site, listed([]));
    await answerOf(site, listed([]));
    expect(await answerOf(site, listed([WORK]))).toBeUndefined();
    expect(site.bodies).toHaveLength(1);
    expect(site.entry()).toMatchObject({ state: 'signalled' });
  });
});

describe('work that has not ended', () => {
  test('is not answered, and is not an open result', async () => {
    const site = await createSite('started');
    for (const wanted of [listed([WORK]), listed([]), listed([], false)])
      expect(await answerOf(site, wanted)).toBeUndefined();
    expect(site.bodies).toEqual([]);
  });

  test('is superseded by a newer deployment of its resource', async () => {
    const site = await createSite('started');
    await answerOf(site, listed([NEWER]));
    expect(site.entry().state).toBe('superseded');
  });
});

test('answerAll sends nothing twice, and returns unacknowledged results', async () => {
  const site = await createSite('finished');
  expect(await answerAll(listed([WORK]), site.hands, NEVER)).toEqual([]);
  expect(await answerAll(listed([WORK]), site.hands, NEVER)).toEqual([]);
  expect(site.bodies).toHaveLength(1);
  const refused = await createSite('finished', new AgentError('cloud-refused', 'forbidden'));
  expect(await answerAll(listed([WORK]), refused.hands, NEVER)).toMatchObject([{ id }]);
});
