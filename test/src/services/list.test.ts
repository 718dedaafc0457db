import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { type ListHands, type ListPlan, seeListTaken } from '../../../src/services/list.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { fastClock } from '../../scenarios/support/clock.ts';

const GOOD = { certificate: '/good.crt', key: '/good.key' };
const BAD = { certificate: '/bad.crt', key: '/bad.key' };
const PLAN: ListPlan = {
  unitPlan: { name: 'etcd', required: true, deadlineMs: 1000, settleMs: 0 },
  file: '/list',
  rereads: true,
  url: 'https://127.0.0.1:2379/health',
  accepted: GOOD,
  refused: BAD,
};

/** Makes a service that accepts these certificates. */
const service = (letsIn: (certificate: string | undefined, times: number) => boolean): ListHands => {
  let times = 0;
  return {
    clock: fastClock(),
    askHealth: async ({ identity }) => {
      times += 1;
      await Promise.resolve();
      if (!letsIn(identity?.certificate, times)) throw new AgentError('not-yet', 'nobody comes in');
    },
    hasBeenRead: async () => await Promise.resolve(true),
  };
};

test('accepts a service that admits valid clients, rejects revoked ones, and has read the file', async () => {
  const hands = service((certificate) => certificate === GOOD.certificate);
  expect(await seeListTaken(PLAN, hands, NEVER)).toMatchObject([
    { code: 'accepts', of: '/good.crt' },
    { code: 'refuses', of: '/bad.crt' },
    { code: 'read', of: '/list' },
  ]);
});

test('retries a service that is not up yet', async () => {
  const hands = service((certificate, times) => times > 3 && certificate === GOOD.certificate);
  expect(await seeListTaken(PLAN, hands, NEVER)).toMatchObject([
    { code: 'accepts' },
    { code: 'refuses' },
    { code: 'read' },
  ]);
});

test('rejects a service that admits everyone or no one', async () => {
  const everybody = await agentErrorOf(
    seeListTaken(
      PLAN,
      service(() => true),
      NEVER,
    ),
  );
  expect(everybody).toMatchObject({ code: 'proof', reason: 'revoked-accepted' });
  const nobody = await agentErrorOf(
    seeListTaken(
      PLAN,
      service(() => false),
      NEVER,
    ),
  );
  expect(nobody).toMatchObject({ code: 'proof', reason: 'valid-refused' });
});

test('makes no claim that it cannot check', async () => {
  const { unitPlan, file, rereads } = PLAN;
  const hands = { ...service(() => false), hasBeenRead: async () => await Promise.resolve(false) };
  expect(await seeListTaken({ unitPlan, file, rereads }, hands, NEVER)).toEqual([]);
});
