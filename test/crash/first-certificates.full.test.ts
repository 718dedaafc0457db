import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { sweepFirstCertificates } from './first-certificates.ts';

const bench = await openBench();

test.each(['kubernetes-certs', 'kubernetes-pki'] as const)(
  "completes a new node's first certificates: %s",
  { timeout: 3_600_000 },
  async (layout) => {
    const { findings, points } = await sweepFirstCertificates(bench, layout, (all) => all);
    process.stdout.write(`make-cert, ${layout}: ${points} points\n`);
    expect(findings).toEqual([]);
  },
);
