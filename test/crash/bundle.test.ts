import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { killAt } from './kill.ts';
import { distinctPoints } from './points.ts';
import { sample } from './random.ts';
import { BUNDLES } from './scenarios.ts';
import { say, sweep } from './sweep.ts';

/** A sample of bundle.full.test.ts; CRASH_SEED repeats the same sample. */
const bench = await openBench({ tls: true });

test.each(BUNDLES)(
  'recovers from a kill at one of its steps: %s',
  { timeout: 600_000 },
  async (name, scenario) => {
    const result = await sweep(bench, scenario, ({ points }) =>
      sample(distinctPoints(points), 4).map((point) => [killAt(point)]),
    );
    expect(result.reference.points.length).toBeGreaterThanOrEqual(40);
    say(name, result);
  },
);
