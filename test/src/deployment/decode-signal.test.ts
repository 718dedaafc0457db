import { expect, test } from 'vitest';
import { decodeSignal, type Misfit } from '../../../src/deployment/decode-signal.ts';
import { HEAT_SIGNAL } from '../support/deployments.ts';

const CREATED_AT = Date.UTC(2026, 10, 21, 0, 11, 2);

const signal = (inputs: Record<string, unknown>) => decodeSignal(inputs, CREATED_AT);

function misfit(inputs: Record<string, unknown>): Misfit {
  const decoded = signal(inputs);
  if (!('why' in decoded)) throw new Error('it was decoded');
  return decoded;
}

/** Expects an error that names each missing input. */
function expectMissing(inputs: Record<string, unknown>, transport: string, ...names: string[]): void {
  const { reason, why } = misfit(inputs);
  expect(reason).toBe('signal-input-missing');
  for (const word of [transport, ...names]) expect(why).toMatch(new RegExp(`\\b${word}\\b`));
}

const url = 'http://heat/v1/signal?Signature=abc';

test('sends no answer without a transport and an address', () => {
  expect(signal({})).toEqual({ transport: 'NO_SIGNAL' });
  expect(signal({ deploy_signal_transport: 'NO_SIGNAL' })).toEqual({ transport: 'NO_SIGNAL' });
});

test('treats an address without a transport as pre-signed, and posts unless PUT is requested', () => {
  expect(signal({ deploy_signal_id: url })).toEqual({ transport: 'CFN_SIGNAL', url, verb: 'POST' });
  expect(
    signal({ deploy_signal_transport: 'CFN_SIGNAL', deploy_signal_id: url, deploy_signal_verb: 'PUT' }),
  ).toEqual({
    transport: 'CFN_SIGNAL',
    url,
    verb: 'PUT',
  });
});

test('derives a missing transport from the inputs, as heat-agents does', () => {
  const { deploy_signal_transport: _, ...user } = HEAT_SIGNAL;
  const queue = { deploy_queue_id: 'q' };
  expect(signal(user)).toEqual(signal(HEAT_SIGNAL));
  expect(signal({ ...user, ...queue })).toMatchObject({ transport: 'ZAQAR_SIGNAL', queueId: 'q' });
  expect(signal({ ...user, ...queue, deploy_signal_id: url })).toMatchObject({ transport: 'CFN_SIGNAL' });
  const { deploy_password: __, ...half } = user;
  expectMissing(half, 'HEAT_SIGNAL', 'deploy_password');
});

test('adds the other transport to a pre-signed address if the inputs allow it', () => {
  expect(
    signal({ ...HEAT_SIGNAL, deploy_signal_transport: 'CFN_SIGNAL', deploy_signal_id: url }),
  ).toMatchObject({
    transport: 'CFN_SIGNAL',
    fallback: { transport: 'HEAT_SIGNAL', userId: '85bb' },
  });
});

test('puts to a temporary URL, with the date that Heat compares', () => {
  expect(signal({ deploy_signal_transport: 'TEMP_URL_SIGNAL', deploy_signal_id: url })).toEqual({
    transport: 'TEMP_URL_SIGNAL',
    url,
    handedOutAt: CREATED_AT,
  });
});

test("posts to a queue as the user in the deployment's inputs", () => {
  const inputs = { ...HEAT_SIGNAL, deploy_signal_transport: 'ZAQAR_SIGNAL', deploy_queue_id: 'q' };
  expect(signal({ ...inputs, deploy_region_name: 'RegionOne' })).toEqual({
    transport: 'ZAQAR_SIGNAL',
    queueId: 'q',
    authUrl: 'http://127.0.0.1:5000/v3/',
    userId: '85bb',
    password: HEAT_SIGNAL.deploy_password,
    projectId: '9be0',
    region: 'RegionOne',
  });
  expectMissing(
    { deploy_signal_transport: 'ZAQAR_SIGNAL' },
    'ZAQAR_SIGNAL',
    'deploy_queue_id',
    'deploy_auth_url',
  );
});

test('names every input that the transport lacks', () => {
  const { deploy_password: _, deploy_user_id: __, ...rest } = HEAT_SIGNAL;
  expectMissing(rest, 'HEAT_SIGNAL', 'deploy_user_id', 'deploy_password');
  expectMissing({ deploy_signal_transport: 'CFN_SIGNAL' }, 'CFN_SIGNAL', 'deploy_signal_id');
});

test.each([
  [
    'HEAT_SIGNAL',
    { deploy_signal_id: url, deploy_signal_verb: 'PUT' },
    { transport: 'CFN_SIGNAL', url, verb: 'PUT' },
  ],
  ['CFN_SIGNAL', HEAT_SIGNAL, { transport: 'HEAT_SIGNAL', userId: '85bb' }],
  ['TEMP_URL_SIGNAL', HEAT_SIGNAL, { transport: 'HEAT_SIGNAL' }],
  ['ZAQAR_SIGNAL', HEAT_SIGNAL, { transport: 'HEAT_SIGNAL' }],
  [
    'HEAT_SIGNAL',
    { ...HEAT_SIGNAL, deploy_stack_id: '', deploy_queue_id: 'q' },
    { transport: 'ZAQAR_SIGNAL', queueId: 'q' },
  ],
  ['PIGEON', { deploy_signal_id: url }, { transport: 'CFN_SIGNAL', url }],
  ['CFN_SIGNAL', { ...HEAT_SIGNAL, deploy_signal_id: 'nowhere' }, { transport: 'HEAT_SIGNAL' }],
])('falls back from %s without its inputs to an available transport', (named, inputs, target) => {
  expect(signal({ ...inputs, deploy_signal_transport: named })).toMatchObject(target);
});

test('sends no answer for NO_SIGNAL, whatever the other inputs', () => {
  expect(signal({ ...HEAT_SIGNAL, deploy_signal_id: url, deploy_signal_transport: 'NO_SIGNAL' })).toEqual({
    transport: 'NO_SIGNAL',
  });
});

test.each([
  [{ deploy_signal_id: 'nowhere' }, 'CFN_SIGNAL: deploy_signal_id '],
  [
    { deploy_signal_id: 'ftp://h/x', deploy_signal_transport: 'TEMP_URL_SIGNAL' },
    'TEMP_URL_SIGNAL: deploy_signal_id ',
  ],
  [{ deploy_signal_id: 'http://' }, 'CFN_SIGNAL: deploy_signal_id '],
  [{ ...HEAT_SIGNAL, deploy_auth_url: 'k:5000/v3' }, 'HEAT_SIGNAL: deploy_auth_url '],
])('rejects an address that cannot be used: %j', (inputs, named) => {
  const { reason, why } = misfit(inputs);
  expect(reason).toBe('signal-address');
  expect(why).toContain(named);
});

test('rejects an unknown transport by name', () => {
  expect(misfit({ deploy_signal_transport: 'PIGEON' })).toMatchObject({
    reason: 'unknown-transport',
    why: expect.stringContaining('PIGEON') as unknown,
  });
});
