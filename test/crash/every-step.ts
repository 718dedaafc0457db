import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { killAt, type Scenario } from './kill.ts';
import { distinctPoints } from './points.ts';
import { say, sweep } from './sweep.ts';

const HOURS = { timeout: 3 * 3_600_000 };

/**
 * Defines tests that kill each scenario at every one of its points.
 *
 * @param leastPoints the minimum number of points; fewer mean that most are no longer detected
 */
export function killedAtEachStep(
  scenarios: readonly (readonly [string, Scenario])[],
  leastPoints: number,
  options: Parameters<typeof createBench>[0] = {},
): void {
  let bench: Bench;
  beforeAll(async () => {
    bench = await createBench(options);
  });
  afterAll(async () => {
    await bench.close();
  });

  test.each(scenarios)('recovers from a kill at each of its steps: %s', HOURS, async (name, scenario) => {
    const result = await sweep(bench, scenario, ({ points }) =>
      distinctPoints(points).map((point) => [killAt(point)]),
    );
    expect(result.reference.points.length).toBeGreaterThanOrEqual(leastPoints);
    say(name, result);
  });
}
