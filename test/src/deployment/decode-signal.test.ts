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

/** Each input that is missing is named. */
function expectMissing(inputs: Record<string, unknown>, transport: string, ...names: string[]): void {
  const { reason, why } = misfit(inputs);
  expect(reason).toBe('signal-input-missing');
  for (const word of [transport, ...names]) expect(why).toMatch(new RegExp(`\\b${word}\\b`));
}

const url = 'http://heat/v1/signal?Signature=abc';

test('no transport and no address: nobody waits', () => {
  expect(signal({})).toEqual({ transport: 'NO_SIGNAL' });
  expect(signal({ deploy_signal_transport: 'NO_SIGNAL' })).toEqual({ transport: 'NO_SIGNAL' });
});

test('an address without a transport is a pre-signed one; it is posted unless PUT is asked for', () => {
  expect(signal({ deploy_signal_id: url })).toEqual({ transport: 'CFN_SIGNAL', url, verb: 'POST' });
  expect(
    signal({ deploy_signal_transport: 'CFN_SIGNAL', deploy_signal_id: url, deploy_signal_verb: 'PUT' }),
  ).toEqual({
    transport: 'CFN_SIGNAL',
    url,
    verb: 'PUT',
  });
});

test('no transport: what there is to answer with says how, as heat-agents have it', () => {
  const { deploy_signal_transport: _, ...user } = HEAT_SIGNAL;
  const queue = { deploy_queue_id: 'q' };
  expect(signal(user)).toEqual(signal(HEAT_SIGNAL));
  expect(signal({ ...user, ...queue })).toMatchObject({ transport: 'ZAQAR_SIGNAL', queueId: 'q' });
  expect(signal({ ...user, ...queue, deploy_signal_id: url })).toMatchObject({ transport: 'CFN_SIGNAL' });
  const { deploy_password: __, ...half } = user;
  expectMissing(half, 'HEAT_SIGNAL', 'deploy_password');
});

test('a pre-signed address has the other way beside it where the inputs allow it', () => {
  expect(
    signal({ ...HEAT_SIGNAL, deploy_signal_transport: 'CFN_SIGNAL', deploy_signal_id: url }),
  ).toMatchObject({
    transport: 'CFN_SIGNAL',
    fallback: { transport: 'HEAT_SIGNAL', userId: '85bb' },
  });
});

test('a temporary address is put to, with the date that Heat goes by', () => {
  expect(signal({ deploy_signal_transport: 'TEMP_URL_SIGNAL', deploy_signal_id: url })).toEqual({
    transport: 'TEMP_URL_SIGNAL',
    url,
    handedOutAt: CREATED_AT,
  });
});

test('a queue is posted to as the user that the deployment brings along', () => {
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

test('what a transport needs and does not get is named, all of it', () => {
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
])('falls back from %s without its inputs to what there is', (named, inputs, target) => {
  expect(signal({ ...inputs, deploy_signal_transport: named })).toMatchObject(target);
});

test('NO_SIGNAL answers nobody, whatever there is to answer with', () => {
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
])('refuses an address that nothing can be sent to: %j', (inputs, named) => {
  const { reason, why } = misfit(inputs);
  expect(reason).toBe('signal-address');
  expect(why).toContain(named);
});

test('refuses an unknown transport by its name', () => {
  expect(misfit({ deploy_signal_transport: 'PIGEON' })).toMatchObject({
    reason: 'unknown-transport',
    why: expect.stringContaining('PIGEON') as unknown,
  });
});
