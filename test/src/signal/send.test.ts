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

const TEMP = {
  transport: 'TEMP_URL_SIGNAL',
  url: 'http://s/v1/a/c/o?temp_url_sig=x',
  handedOutAt: 0,
} as const;
const ZAQAR = { ...HEAT, transport: 'ZAQAR_SIGNAL', queueId: 'q' } as const;

/** Sends an answer and lists the requests; `fails` is the error of an address with its own authorization. */
async function send(target: SignalTarget, fails?: AgentError): Promise<string[]> {
  const sent: string[] = [];
  const tell = async (what: string, error?: AgentError): Promise<void> => {
    sent.push(what);
    await Promise.resolve();
    if (error) throw error;
  };
  const hands: SignalHands = {
    signalResource: async (to, body) => {
      await tell(`resource ${to.stackId} ${body}`);
    },
    signalAddress: async (url, verb, body) => {
      await tell(`${verb} ${url} ${body}`, fails);
    },
    objectAt: (url) => ({
      changedAt: async () => await Promise.resolve(1_795_274_494_000),
      put: async (body) => {
        await tell(`object ${url} ${body}`, fails);
      },
    }),
    queueOf: ({ queueId }) => ({
      list: async () => await Promise.resolve([]),
      remove: async () => await Promise.resolve(),
      post: async (body, ttl) => {
        await tell(`queue ${queueId} ${body} ${ttl}`);
      },
    }),
    sleep: async () => await Promise.resolve(),
  };
  await sendSignal(target, '{}', hands, NEVER);
  return sent;
}

test('sends over each transport', async () => {
  expect(await send({ transport: 'NO_SIGNAL' })).toEqual([]);
  expect(await send(CFN)).toEqual(['PUT http://h/s?Signature=x {}']);
  expect(await send(HEAT)).toEqual(['resource s/1 {}']);
  expect(await send(ZAQAR)).toEqual(['queue q {} 600']);
  expect([...new Set(await send(TEMP))]).toEqual([`object ${TEMP.url} {}`]);
});

test.each(['cloud-refused', 'unauthorized'] as const)(
  'falls back from an expired pre-signed address (%s) if there is another transport',
  async (code) => {
    const fails = new AgentError(code, 'signalling http://h/s: 403 Forbidden');
    expect(await send({ ...CFN, fallback: HEAT }, fails)).toEqual([
      'PUT http://h/s?Signature=x {}',
      'resource s/1 {}',
    ]);
    const error = await agentErrorOf(send(CFN, fails));
    expect(error).toMatchObject({ code: 'cloud-refused', reason: 'signal-address-refused', cause: fails });
  },
);

test('falls back from a pre-signed address without a valid answer from Heat, or retries', async () => {
  const fails = new AgentError('bad-answer', 'signalling http://h/s: 307 redirects to http://x');
  expect(await send({ ...CFN, fallback: HEAT }, fails)).toEqual([
    'PUT http://h/s?Signature=x {}',
    'resource s/1 {}',
  ]);
  expect(await agentErrorOf(send(CFN, fails))).toBe(fails);
});

test('retries an unreachable address instead of falling back', async () => {
  const fails = new AgentError('cloud-unreachable', 'no answer');
  expect(await agentErrorOf(send({ ...CFN, fallback: HEAT }, fails))).toBe(fails);
});

test('reports a rejected temporary URL with its date, and falls back if there is another transport', async () => {
  const fails = new AgentError('unauthorized', 'putting the object http://s/v1/a/c/o: 401 Temp URL invalid');
  const error = await agentErrorOf(send({ ...TEMP, url: `${TEMP.url}&temp_url_expires=1795274494` }, fails));
  expect(error).toMatchObject({ code: 'cloud-refused', reason: 'signal-address-refused', cause: fails });
  expect(error.message).toContain('2026-11-21T15:21:34.000Z');
  expect(error.message).not.toContain('temp_url_sig');
  expect(await send({ ...TEMP, fallback: HEAT }, fails)).toEqual([
    `object ${TEMP.url} {}`,
    'resource s/1 {}',
  ]);
});
