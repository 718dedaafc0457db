import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { killAt, type Scenario } from './kill.ts';
import { sweep } from './sweep.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

const SCENARIOS: [string, Scenario][] = [
  ['a master with its certificates in files', { layout: 'kubernetes-certs', fails: false }],
  ['a master with kubeconfigs', { layout: 'kubernetes-pki', fails: false }],
  ['a rotation that fails and goes back', { layout: 'kubernetes-certs', fails: true }],
  ['one with kubeconfigs that fails and goes back', { layout: 'kubernetes-pki', fails: true }],
];

test.each(SCENARIOS)('killed at each of its steps: %s', { timeout: 3_600_000 }, async (name, scenario) => {
  const { reference, kills, seconds } = await sweep(bench, scenario, ({ points }) =>
    points.map((_, index) => [killAt(index + 1)]),
  );
  expect(reference.points.length).toBeGreaterThanOrEqual(60);
  process.stdout.write(`${name}: ${kills} points, ${kills} kills, ${seconds} s\n`);
});
