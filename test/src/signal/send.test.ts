import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import type { SignalTarget } from '../../../src/deployment/deployment.ts';
import { sendSignal, type SignalHands } from '../../../src/signal/send.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const HEAT = {
  transport: 'HEAT_SIGNAL',
  stackId: 's/1',
  resourceName: 'r',
  authUrl: 'http://k',
  userId: 'u',
  password: 'p',
  projectId: 'p',
} as const;
const CFN = { transport: 'CFN_SIGNAL', url: 'http://h/s?Signature=x', verb: 'PUT' } as const;

/** What was sent where; `fails` is what the pre-signed address answers. */
async function send(target: SignalTarget, fails?: AgentError): Promise<string[]> {
  const sent: string[] = [];
  const hands: SignalHands = {
    signalResource: async (to, body) => {
      sent.push(`resource ${to.stackId} ${body}`);
      await Promise.resolve();
    },
    signalAddress: async (url, verb, body) => {
      sent.push(`${verb} ${url} ${body}`);
      await Promise.resolve();
      if (fails) throw fails;
    },
  };
  await sendSignal(target, '{}', hands, NEVER);
  return sent;
}

test('each transport goes its way', async () => {
  expect(await send({ transport: 'NO_SIGNAL' })).toEqual([]);
  expect(await send(CFN)).toEqual(['PUT http://h/s?Signature=x {}']);
  expect(await send(HEAT)).toEqual(['resource s/1 {}']);
});

test.each(['cloud-refused', 'unauthorized'] as const)(
  'a pre-signed address that is too old (%s) is left for the other way, where there is one',
  async (code) => {
    const fails = new AgentError(code, 'signalling http://h/s: 403 Forbidden');
    expect(await send({ ...CFN, fallback: HEAT }, fails)).toEqual([
      'PUT http://h/s?Signature=x {}',
      'resource s/1 {}',
    ]);
    const error = await agentErrorOf(send(CFN, fails));
    expect(error.code).toBe('cloud-refused');
    expect(error.message).toContain('403 Forbidden');
  },
);

test('an address that does not answer is no reason for the other way: it is tried again', async () => {
  const fails = new AgentError('cloud-unreachable', 'no answer');
  expect(await agentErrorOf(send({ ...CFN, fallback: HEAT }, fails))).toBe(fails);
});
