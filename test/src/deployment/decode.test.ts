import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { decodeDeployment } from '../../../src/deployment/decode.ts';
import { deployment, HEAT_SIGNAL, rawDeployment } from '../support/deployments.ts';
import { fixture, jsonObject, listIn } from '../support/fixtures.ts';

const real = (name: string): unknown[] => listIn(jsonObject(fixture(name)), 'deployments');

const refusal = (raw: unknown): AgentError => {
  const decoded = decodeDeployment(raw);
  if (decoded.ok) throw new Error('it was decoded');
  return decoded.error;
};

/** Each input that is missing is named. */
function expectMissing(inputs: Record<string, unknown>, transport: string, ...names: string[]): void {
  const error = refusal(rawDeployment(inputs));
  expect(error).toMatchObject({ code: 'bad-deployment', reason: 'signal-input-missing' });
  for (const word of [transport, ...names]) expect(error.message).toMatch(new RegExp(`\\b${word}\\b`));
}

const asks = (inputs: Record<string, unknown>): string => deployment(inputs).asks;

const signal = (inputs: Record<string, unknown>) => deployment(inputs).signal;

test('a rotation as a real Heat hands it out', () => {
  const [raw] = real('metadata-rotate.json');
  const decoded = decodeDeployment(raw);
  expect(decoded).toMatchObject({
    ok: true,
    deployment: {
      id: 'e928abc3-66e7-451d-ae11-d4de370a82b8',
      group: 'coe-rotate',
      action: 'UPDATE',
      createdAt: Date.UTC(2026, 10, 21, 0, 11, 2),
      resource: 'k3/6443f4ad-a68a-4e63-9173-08d49aa2f2f1/rotate',
      outputs: [{ name: 'fingerprint', errorOutput: false }],
      signal: {
        transport: 'HEAT_SIGNAL',
        stackId: 'k3/6443f4ad-a68a-4e63-9173-08d49aa2f2f1',
        resourceName: 'rotate',
        authUrl: 'http://127.0.0.1:5000/v3/',
        userId: '85bb265b6aad4c12b27ce20e9af54d2e',
        password: 'd^6KrSFL7v1qBv7DV2ip1zO#30*uC^%K',
        projectId: '9be0091be03641b5abdd9a523e0c39d0',
        region: undefined,
      },
    },
  });
});

test('every deployment of the captured metadata decodes', () => {
  for (const name of ['metadata-heat.json', 'metadata-cfn-and-component.json', 'metadata-rotate.json'])
    for (const raw of real(name)) expect(decodeDeployment(raw)).toMatchObject({ ok: true });
});

test('a pre-signed address of a real Heat is signalled as it says', () => {
  const cfn = real('metadata-cfn-and-component.json').map((raw) => decodeDeployment(raw));
  const signals = cfn.map((decoded) => (decoded.ok ? decoded.deployment.signal : undefined));
  expect(signals).toContainEqual(
    expect.objectContaining({
      transport: 'CFN_SIGNAL',
      verb: 'POST',
      url: expect.stringMatching(/^http:.*Signature=/) as unknown,
    }),
  );
});

describe('inputs', () => {
  test.each([
    [{ a: 1 }, '{"a":1}'],
    [[1, 'x'], '[1,"x"]'],
    [7, '7'],
    [false, 'false'],
    [null, ''],
    [undefined, ''],
    ['text', 'text'],
  ])('a String input is a string whatever its value: %j -> %j', (value, text) => {
    expect(deployment({ x: value }).inputs).toEqual({ x: text });
  });

  test('inputs of other types keep their JSON type', () => {
    const rows = [
      { name: 'n', type: 'Number', value: 3 },
      { name: 'j', type: 'Json', value: { a: [1] } },
      { name: 'b', type: 'Boolean', value: true },
      { name: 'u', value: 5 },
    ];
    expect(deployment({}, { inputs: rows }).inputs).toEqual({ n: 3, j: { a: [1] }, b: true, u: 5 });
  });

  test('an input may be called anything, even __proto__', () => {
    const { inputs } = deployment(
      {},
      { inputs: [{ name: '__proto__', type: 'Json', value: { deploy_action: 'X' } }] },
    );
    expect(Object.hasOwn(inputs, '__proto__')).toBe(true);
    expect(inputs['deploy_action']).toBeUndefined();
  });

  test('what is asked for is the same again although Heat has renewed its own inputs', () => {
    expect(asks({ a: 'x', b: 'y', deploy_action: 'UPDATE' })).toBe(
      asks({ b: 'y', deploy_action: 'CREATE', a: 'x' }),
    );
    expect(asks({ a: 'x' })).not.toBe(asks({ a: 'z' }));
    expect(asks({ a: 'x', empty: '' })).toBe(asks({ a: 'x' }));
    expect(asks({ deploy_server_id: '1' })).toBe('');
  });
});

describe('outputs', () => {
  test('an error output is one by true or "true"', () => {
    const outputs = [
      { name: 'a', error_output: true },
      { name: 'b', error_output: 'true' },
      { name: 'c', error_output: false },
      { name: 'd' },
    ];
    expect(deployment({}, { outputs }).outputs.map((output) => output.errorOutput)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('the signal', () => {
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
      handedOutAt: Date.UTC(2026, 10, 21, 0, 11, 2),
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
    const error = refusal(rawDeployment(inputs));
    expect(error).toMatchObject({ code: 'bad-deployment', reason: 'signal-address' });
    expect(error.message).toContain(named);
  });

  test('a transport that nobody knows is refused by name', () => {
    const error = refusal(rawDeployment({ deploy_signal_transport: 'PIGEON' }));
    expect(error).toMatchObject({ code: 'bad-deployment', reason: 'unknown-transport' });
    expect(error.message).toContain('PIGEON');
  });
});

test.each(['', '../x', '.hidden', 'a/b', 'a b', 'a\nb', 'a'.repeat(129), 7, null, undefined])(
  'the id %j, which would become a file name, is refused',
  (id) => {
    const decoded = decodeDeployment(rawDeployment({}, { id }));
    expect(decoded).toMatchObject({ ok: false, id: undefined });
    expect(refusal(rawDeployment({}, { id }))).toMatchObject({ code: 'bad-deployment', reason: 'malformed' });
  },
);

test('a refused deployment keeps its id, so that it can be told of', () => {
  expect(decodeDeployment(rawDeployment({}, { inputs: 'x' }))).toMatchObject({
    ok: false,
    id: 'e928abc3-66e7-451d-ae11-d4de370a82b8',
  });
});

test('of a malformed one there is as much as an answer takes', () => {
  const raw = rawDeployment({ ...HEAT_SIGNAL, reason: 'x' });
  const good = decodeDeployment(raw);
  const bad = decodeDeployment({ ...raw, outputs: 'none' });
  expect(good.ok).toBe(true);
  expect(bad).toMatchObject({
    ok: false,
    deployment: { ...good.deployment, raw: { outputs: 'none' }, fault: { code: 'bad-deployment' } },
  });
  const inputs = [{ name: 'deploy_signal_id', value: 'http://127.0.0.1/signal' }, 'x', {}];
  expect(decodeDeployment({ ...raw, name: 7, group: {}, creation_time: [], inputs })).toMatchObject({
    ok: false,
    deployment: { name: '', group: '', createdAt: 0, signal: { transport: 'CFN_SIGNAL' } },
  });
});

test.each([
  ['is told not to', { deploy_signal_transport: 'NO_SIGNAL' }],
  ['is told nothing of it', {}],
  ['cannot, for lack of an address', { ...HEAT_SIGNAL, deploy_stack_id: '' }],
])('of a malformed one that nobody is answered of (%s) there is nothing', (_, inputs) => {
  const decoded = decodeDeployment({ ...rawDeployment(inputs), outputs: 'none' });
  expect(decoded.ok).toBe(false);
  expect(decoded.deployment).toBeUndefined();
});

test('without a creation time, or with one that is none, it counts as the oldest', () => {
  for (const time of [undefined, null, '', 'yesterday'])
    expect(deployment({}, { creation_time: time })).toMatchObject({ createdAt: 0 });
});

test('any JSON is a deployment or a refusal', () => {
  const value = fc.jsonValue();
  const name = fc.oneof(
    fc.constantFrom(
      ...Object.keys(HEAT_SIGNAL),
      'deploy_signal_id',
      'deploy_queue_id',
      'deploy_action',
      '__proto__',
    ),
    fc.string(),
  );
  const transport = fc.record({
    name: fc.constant('deploy_signal_transport'),
    value: fc.constantFrom('HEAT_SIGNAL', 'CFN_SIGNAL', 'TEMP_URL_SIGNAL', 'ZAQAR_SIGNAL', 'NO_SIGNAL'),
  });
  const input = fc.oneof(
    fc.record({ name, type: fc.constantFrom('String', 'Json'), value }),
    transport,
    value,
  );
  const close = fc.record(
    {
      id: fc.constant('x'),
      group: value,
      creation_time: value,
      inputs: fc.oneof(fc.array(input), value),
      outputs: value,
    },
    { requiredKeys: ['id'] },
  );
  fc.assert(
    fc.property(fc.oneof(value, close), (raw) => {
      const decoded = decodeDeployment(raw);
      if (!decoded.ok) {
        expect(decoded.error).toBeInstanceOf(AgentError);
        expect(decoded.error.code).toBe('bad-deployment');
      }
    }),
  );
});
