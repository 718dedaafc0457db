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

const asks = (inputs: Record<string, unknown>): string => deployment(inputs).asks;

test('decodes a rotation as a real Heat sends it', () => {
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

test('decodes every deployment of the captured metadata', () => {
  for (const name of ['metadata-heat.json', 'metadata-cfn-and-component.json', 'metadata-rotate.json'])
    for (const raw of real(name)) expect(decodeDeployment(raw)).toMatchObject({ ok: true });
});

test('reads the pre-signed address of a real Heat', () => {
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
  ])('converts the value of a String input to a string: %j -> %j', (value, text) => {
    expect(deployment({ x: value }).inputs).toEqual({ x: text });
  });

  test('keeps the JSON type of other inputs', () => {
    const rows = [
      { name: 'n', type: 'Number', value: 3 },
      { name: 'j', type: 'Json', value: { a: [1] } },
      { name: 'b', type: 'Boolean', value: true },
      { name: 'u', value: 5 },
    ];
    expect(deployment({}, { inputs: rows }).inputs).toEqual({ n: 3, j: { a: [1] }, b: true, u: 5 });
  });

  test('accepts any input name, even __proto__', () => {
    const { inputs } = deployment(
      {},
      { inputs: [{ name: '__proto__', type: 'Json', value: { deploy_action: 'X' } }] },
    );
    expect(Object.hasOwn(inputs, '__proto__')).toBe(true);
    expect(inputs['deploy_action']).toBeUndefined();
  });

  test('compares requests without the inputs that Heat renews', () => {
    expect(asks({ a: 'x', b: 'y', deploy_action: 'UPDATE' })).toBe(
      asks({ b: 'y', deploy_action: 'CREATE', a: 'x' }),
    );
    expect(asks({ a: 'x' })).not.toBe(asks({ a: 'z' }));
    expect(asks({ a: 'x', empty: '' })).toBe(asks({ a: 'x' }));
    expect(asks({ deploy_server_id: '1' })).toBe('');
  });
});

describe('outputs', () => {
  test('mark an error output by true or "true"', () => {
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

test('rejects a deployment whose result cannot be sent', () => {
  const error = refusal(rawDeployment({ deploy_signal_transport: 'PIGEON' }));
  expect(error).toMatchObject({ code: 'bad-deployment', reason: 'unknown-transport' });
  expect(error.message).toContain('PIGEON');
});

test.each(['', '../x', '.hidden', 'a/b', 'a b', 'a\nb', 'a'.repeat(129), 7, null, undefined])(
  'rejects the id %j, which is used as a file name',
  (id) => {
    const decoded = decodeDeployment(rawDeployment({}, { id }));
    expect(decoded).toMatchObject({ ok: false, id: undefined });
    expect(refusal(rawDeployment({}, { id }))).toMatchObject({ code: 'bad-deployment', reason: 'malformed' });
  },
);

test('keeps the id of a rejected deployment for the report', () => {
  expect(decodeDeployment(rawDeployment({}, { inputs: 'x' }))).toMatchObject({
    ok: false,
    id: 'e928abc3-66e7-451d-ae11-d4de370a82b8',
  });
});

test('decodes as much of a malformed deployment as an answer needs', () => {
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
  ['NO_SIGNAL', { deploy_signal_transport: 'NO_SIGNAL' }],
  ['no signal inputs', {}],
  ['no address', { ...HEAT_SIGNAL, deploy_stack_id: '' }],
])('keeps nothing of a malformed deployment that gets no answer (%s)', (_, inputs) => {
  const decoded = decodeDeployment({ ...rawDeployment(inputs), outputs: 'none' });
  expect(decoded.ok).toBe(false);
  expect(decoded.deployment).toBeUndefined();
});

test('treats a missing or invalid creation time as the oldest', () => {
  for (const time of [undefined, null, '', 'yesterday'])
    expect(deployment({}, { creation_time: time })).toMatchObject({ createdAt: 0 });
});

test('decodes any JSON to a deployment or a rejection', () => {
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
