import { execFileSync } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCut } from '../../../src/base/cut.ts';
import { outcomeOf } from '../../../src/hooks/outcome.ts';
import type { Order, Result } from '../../../src/hooks/run-files.ts';
import { tempRoot } from '../support/temp-root.ts';

const order = (over: Partial<Order> = {}): Order => ({
  program: '/p',
  work: '/w',
  environment: [],
  timeoutMs: 1,
  graceMs: 1,
  reads: 'json',
  what: 'the hook',
  secrets: [],
  outputs: [],
  ...over,
});

const result = (over: Partial<Result> = {}): Result => ({ statusCode: 0, stdout: '', stderr: '', ...over });

test('reads an output only from a regular file', async () => {
  const { at, write } = await tempRoot();
  await write('/heat.text', 'x');
  await write('/secret', 'secret');
  await mkdir(at('/heat.directory'));
  execFileSync('mkfifo', [at('/heat.pipe')]);
  await symlink('/dev/zero', at('/heat.device'));
  await symlink(at('/nowhere'), at('/heat.dangling'));
  await mkdir(at('/heat.x'));
  const names = ['text', 'directory', 'pipe', 'device', 'dangling', 'x/../secret', 'a\0b', 'y'.repeat(300)];
  const { outputs } = await outcomeOf(order({ reads: 'files', outputs: names }), result(), at('/heat'));
  expect(outputs).toEqual({ text: 'x' });
});

test('keeps the end of a large output, and reports how much is missing', async () => {
  const { at, write } = await tempRoot();
  await write('/heat.large', `${'a'.repeat(10)}${'b'.repeat(2 ** 20)}`);
  const { outputs } = await outcomeOf(order({ reads: 'files', outputs: ['large'] }), result(), at('/heat'));
  expect(readCut(String(outputs['large']))).toEqual({ cut: 10, rest: 'b'.repeat(2 ** 20) });
});

test.each([
  [0, 0],
  ['0', 0],
  [null, 0],
  [3, 3],
  ['7', 7],
  ['bad', 1],
  [{}, 1],
  [true, 1],
])("maps a hook's status %j to %i", async (code, status) => {
  const stdout = JSON.stringify({ deploy_status_code: code });
  expect(await outcomeOf(order(), result({ stdout }), '')).toMatchObject({ statusCode: status });
});

test('reports a killed hook as failed, even if it answered success', async () => {
  const stdout = '{"deploy_stdout": "well", "deploy_status_code": 0}';
  const ended = result({ stdout, statusCode: -15, stderr: 'err', reason: 'run-timeout', fault: 'late' });
  expect(await outcomeOf(order(), ended, '')).toEqual({
    is: 'failed',
    statusCode: -15,
    stdout: 'well',
    stderr: 'err\n[coe-agent: late]\n',
    outputs: {},
    error: { code: 'unit', reason: 'run-timeout' },
  });
});

test('maps any answer of a hook to an outcome with a number and two texts', async () => {
  const answer = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({
        deploy_stdout: fc.jsonValue(),
        deploy_stderr: fc.jsonValue(),
        deploy_status_code: fc.jsonValue(),
      })
      .map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(answer, fc.integer(), async (stdout, statusCode) => {
      const outcome = await outcomeOf(order(), result({ stdout, statusCode }), '');
      expect(outcome.statusCode).toSatisfy(Number.isFinite);
      expect([typeof outcome.stdout, typeof outcome.stderr]).toEqual(['string', 'string']);
      if (statusCode !== 0) expect(outcome.statusCode).not.toBe(0);
    }),
  );
});
