import { describe, expect, test } from 'vitest';
import type { Difference } from '../../../agent/inspection/differences.ts';
import { readUpkeep } from '../../../agent/upkeep/record.ts';
import { tellDifferences } from '../../../agent/upkeep/tell.ts';
import { createHands } from '../../fakes/hands.ts';
import { logged } from '../../scenarios/support/logged.ts';

const DAY = 86_400_000;
const CA = '/etc/k/ca.crt';
const NAMES: Difference = { code: 'names-differ', severity: 'warning', of: '/etc/k/a.crt', text: 'lacks a' };
const ENDS: Difference = { code: 'authority-ends', severity: 'critical', of: CA, text: 'ends' };

/** Looks at a node, which has these differences each time. */
async function looks() {
  const { hands, log, clock } = await createHands();
  let record = await readUpkeep(hands);
  return {
    clock,
    /** Returns the log's events of this look, with their subjects. */
    look: (...differences: Difference[]) => {
      log.length = 0;
      record = tellDifferences(record, differences, hands);
      return (['differs-critical', 'differs', 'differs-slightly', 'difference-gone'] as const).flatMap(
        (event) => logged(log, event).map(({ difference, of }) => [event, difference, of]),
      );
    },
    record: () => record,
  };
}

describe('tellDifferences', () => {
  test('logs each difference once, with the event of its severity', async () => {
    const { look } = await looks();
    const due: Difference = { ...NAMES, code: 'renewal-due', severity: 'info' };
    expect(look(NAMES, ENDS, due)).toEqual([
      ['differs-critical', 'authority-ends', CA],
      ['differs', 'names-differ', NAMES.of],
      ['differs-slightly', 'renewal-due', NAMES.of],
    ]);
    expect(look(NAMES, ENDS, due)).toEqual([]);
  });

  test('logs the same difference of another file', async () => {
    const { look } = await looks();
    look(NAMES);
    expect(look(NAMES, { ...NAMES, of: '/etc/k/b.crt' })).toEqual([
      ['differs', 'names-differ', '/etc/k/b.crt'],
    ]);
  });

  test('repeats the end of a CA every day, and other differences never', async () => {
    const { look, clock } = await looks();
    look(NAMES, ENDS);
    clock.advance(DAY - 1);
    expect(look(NAMES, ENDS)).toEqual([]);
    clock.advance(1);
    expect(look(NAMES, ENDS)).toEqual([['differs-critical', 'authority-ends', CA]]);
    expect(look(NAMES, ENDS)).toEqual([]);
  });

  test('logs a difference that has disappeared, and again when it returns', async () => {
    const { look } = await looks();
    look(NAMES, ENDS);
    expect(look(ENDS)).toEqual([['difference-gone', 'names-differ', NAMES.of]]);
    expect(look(ENDS)).toEqual([]);
    expect(look(NAMES, ENDS)).toEqual([['differs', 'names-differ', NAMES.of]]);
  });

  test('logs again what a clock in the future has logged', async () => {
    const { look, clock } = await looks();
    look(NAMES);
    clock.advance(-1);
    expect(look(NAMES)).toEqual([['differs', 'names-differ', NAMES.of]]);
  });

  test('records the look and when each difference was logged', async () => {
    const { look, clock, record } = await looks();
    const first = clock.now();
    look(NAMES);
    clock.advance(5);
    look(NAMES, ENDS);
    expect(record()).toMatchObject({
      lookedAt: first + 5,
      differences: [
        { ...NAMES, toldAt: first },
        { ...ENDS, toldAt: first + 5 },
      ],
    });
  });
});
