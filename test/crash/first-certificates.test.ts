import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { sweepFirstCertificates } from './first-certificates.ts';
import { sample, seed } from './random.ts';

/** A sample of first-certificates.full.test.ts. */
const bench = await openBench();

test.each([
  ['kubernetes-certs', 6],
  ['kubernetes-pki', 3],
] as const)("completes a new node's first certificates: %s", { timeout: 600_000 }, async (layout, size) => {
  const { findings } = await sweepFirstCertificates(bench, layout, (points) => sample(points, size));
  expect(findings, `CRASH_SEED=${seed}`).toEqual([]);
});
