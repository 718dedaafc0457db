import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { killAt } from './kill.ts';
import { distinctPoints } from './points.ts';
import { sample } from './random.ts';
import { PHASES } from './scenarios.ts';
import { say, sweep } from './sweep.ts';

/** A sample of phases.full.test.ts; CRASH_SEED repeats the same sample. */
const bench = await openBench();

test.each(PHASES)(
  'recovers from a kill at one of its steps: %s',
  { timeout: 600_000 },
  async (name, scenario) => {
    const result = await sweep(bench, scenario, ({ points }) =>
      sample(distinctPoints(points), 1).map((point) => [killAt(point)]),
    );
    expect(result.reference.points.length).toBeGreaterThanOrEqual(30);
    say(name, result);
  },
);
