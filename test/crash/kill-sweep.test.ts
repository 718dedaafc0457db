import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { killAt, type Scenario } from './kill.ts';
import { sample, seed } from './random.ts';
import { sweep } from './sweep.ts';

/** Samples of what kill-sweep.full.test.ts does in full. */
let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

const SCENARIOS: [string, Scenario, number][] = [
  ['a master with its certificates in files', { layout: 'kubernetes-certs', fails: false }, 30],
  ['a master with kubeconfigs', { layout: 'kubernetes-pki', fails: false }, 10],
  ['a rotation that fails and goes back', { layout: 'kubernetes-certs', fails: true }, 20],
];

test.each(SCENARIOS)('killed at any of its steps: %s', { timeout: 600_000 }, async (name, scenario, size) => {
  const { reference, kills, seconds } = await sweep(bench, scenario, ({ points }) =>
    sample([...points.keys()], size).map((index) => [killAt(index + 1)]),
  );
  const { length } = reference.points;
  expect(length).toBeGreaterThanOrEqual(60);
  process.stdout.write(`${name}: ${kills} of ${length} points, CRASH_SEED=${seed}, ${seconds} s\n`);
});
