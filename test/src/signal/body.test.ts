import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Outcome } from '../../../src/deployment/deployment.ts';
import { succeeded } from '../../../src/deployment/outcome.ts';
import { largestBody, LARGEST_BODY, signalBody } from '../../../src/signal/body.ts';
import { jsonObject, textIn } from '../support/fixtures.ts';

/** Heat's `max_json_body_size`. */
const HEAT_LIMIT = 1_048_576;

const outcome = (over: Partial<Outcome> = {}): Outcome => ({
  statusCode: 0,
  stdout: 'out',
  stderr: 'err',
  outputs: {},
  ...over,
});
const read = jsonObject;

test('contains the three answers and the outputs', () => {
  expect(read(signalBody(outcome({ statusCode: 3, outputs: { fingerprint: 'ab', list: [1] } })))).toEqual({
    deploy_stdout: 'out',
    deploy_stderr: 'err',
    deploy_status_code: 3,
    fingerprint: 'ab',
    list: [1],
  });
});

test('does not let an output override the status: a missing or false one would mean success', () => {
  const outputs = { deploy_status_code: 0, deploy_stderr: '', deploy_stdout: null };
  expect(read(signalBody(outcome({ statusCode: 1, outputs })))).toEqual({
    deploy_stdout: 'out',
    deploy_stderr: 'err',
    deploy_status_code: 1,
  });
});

test.each([Number.NaN, Infinity])(
  'writes a status of %s, which JSON cannot represent, as a failure',
  (statusCode) => {
    expect(read(signalBody(outcome({ statusCode })))['deploy_status_code']).toSatisfy(
      (code: unknown) => typeof code === 'number' && code !== 0,
    );
  },
);

test("makes JSON within Heat's limit and with a numeric status from any outcome", () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 500 }),
    fc
      .tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }), fc.nat(2000))
      .map(([piece, n]) => piece.repeat(n)),
  );
  const value = fc.oneof(text, fc.jsonValue(), fc.constant(undefined));
  fc.assert(
    fc.property(
      fc.record({
        is: fc.constant('failed' as const),
        statusCode: fc.integer(),
        stdout: text,
        stderr: text,
        outputs: fc.dictionary(fc.string(), value, { maxKeys: 20 }),
      }),
      fc.integer({ min: 400, max: 4000 }),
      (made, limit) => {
        const body = signalBody(made, limit);
        expect(Buffer.byteLength(body)).toBeLessThanOrEqual(limit);
        expect(read(body)['deploy_status_code']).toBe(made.statusCode);
      },
    ),
    { numRuns: 60 },
  );
});

test('drops a large number of tiny outputs in favour of the answer itself', () => {
  const outputs = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`output_${index}`, index]));
  const body = signalBody(outcome({ statusCode: 1, outputs }), 1000);
  expect(body.length).toBeLessThanOrEqual(1000);
  expect(read(body)).toMatchObject({ deploy_stdout: 'out', deploy_status_code: 1 });
  expect(read(body)['deploy_stderr']).toContain('err');
});

test('keeps the end of a text that is too long, and says how much is cut', () => {
  const stdout = `${'x'.repeat(5000)}the last line\n`;
  const cut = textIn(read(signalBody(outcome({ stdout }), 1000)), 'deploy_stdout');
  const [, bytes] = /^\[(\d+) bytes cut here\]\n/.exec(cut) ?? [];
  expect(cut.endsWith('the last line\n')).toBe(true);
  expect(Number(bytes) + cut.replace(/^.*\n/, '').length).toBe(stdout.length);
});

test('cuts the longest text first, and keeps the others whole', () => {
  const made = outcome({
    stdout: 'x'.repeat(5000),
    stderr: 'e'.repeat(300),
    outputs: { fingerprint: 'f'.repeat(64) },
  });
  expect(read(signalBody(made, 2000))).toMatchObject({
    deploy_stderr: 'e'.repeat(300),
    fingerprint: 'f'.repeat(64),
  });
});

test('cuts no character in half', () => {
  for (let limit = 500; limit < 520; limit += 1) {
    const cut = textIn(read(signalBody(outcome({ stdout: '😀'.repeat(1000) }), limit)), 'deploy_stdout');
    expect(cut.isWellFormed()).toBe(true);
  }
});

test("fits output that crashed the predecessor into Heat's limit, with all control characters", () => {
  for (const piece of ['\u0001', 'é', '\uD800']) {
    const body = signalBody(outcome({ stdout: piece.repeat(1_000_000) }));
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(LARGEST_BODY);
    expect(Buffer.byteLength(body)).toBeLessThan(HEAT_LIMIT);
    expect(Buffer.byteLength(body)).toBeGreaterThan(LARGEST_BODY / 2);
  }
});

test('limits the body for a queue to 256 KiB with its envelope, less than Heat accepts', () => {
  const limit = largestBody({ transport: 'ZAQAR_SIGNAL' });
  const body = signalBody(succeeded(`${'x'.repeat(300_000)}the end`), limit);
  expect(Buffer.byteLength(`{"messages":[{"ttl":600,"body":${body}}]}`)).toBeLessThan(262_144);
  expect(body).toContain('the end');
  expect(largestBody({ transport: 'TEMP_URL_SIGNAL' })).toBe(LARGEST_BODY);
});
