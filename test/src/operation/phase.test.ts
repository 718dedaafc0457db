import { expect, test } from 'vitest';
import { PHASES, selectPhase } from '../../../src/operation/phase.ts';

test.each(PHASES)('knows the phase %s', (phase) => {
  expect(selectPhase(phase, 'all')).toEqual({ phase });
});

test.each([undefined, null, ''])('uses the default phase for %j', (value) => {
  expect(selectPhase(value, 'trust')).toEqual({ phase: 'trust' });
});

test.each(['Trust', 'trust ', 1, true, ['all']])('rejects %j', (value) => {
  expect(selectPhase(value, 'all')).toMatchObject({ kind: 'refuse', reason: 'phase-unknown' });
});
