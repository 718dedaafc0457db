import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { sweepFirstCertificates } from './first-certificates.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test.each(['kubernetes-certs', 'kubernetes-pki'] as const)(
  "a new node's first certificates: %s",
  { timeout: 3_600_000 },
  async (layout) => {
    const { findings, points } = await sweepFirstCertificates(bench, layout, (all) => all);
    process.stdout.write(`make-cert, ${layout}: ${points} points\n`);
    expect(findings).toEqual([]);
  },
);
