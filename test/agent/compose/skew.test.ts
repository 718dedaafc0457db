import { expect, test } from 'vitest';
import { createSkew } from '../../../agent/compose/skew.ts';

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

test('keeps the skew of the last Date header until the clock is set or the node was suspended', () => {
  let offset = NOW;
  let elapsed = 0;
  const skew = createSkew({ now: () => offset + elapsed, elapsed: () => elapsed });
  expect(skew.ms()).toBeUndefined();
  skew.hear('Thu, 01 Jan 2026 00:10:00 GMT');
  expect(skew.ms()).toBe(-600_000);
  elapsed += HOUR;
  expect(skew.ms()).toBe(-600_000);
  offset += 2 * HOUR;
  expect(skew.ms()).toBeUndefined();
  skew.hear('Thu, 01 Jan 2026 03:00:00 GMT');
  expect(skew.ms()).toBe(0);
});
