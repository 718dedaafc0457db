import { expect, test } from 'vitest';
import { askerOf, isOwnWork } from '../../../agent/audit/askers.ts';
import { createHands } from '../../fakes/hands.ts';
import { deployment } from '../../src/support/deployments.ts';

test('tells who asked for a run', async () => {
  const { hands } = await createHands();
  await hands.ledger.accept(deployment({}, { id: 'd1' }));
  expect(['d1', 'make-cert', 'auto-retire', 'renewal'].map((run) => askerOf(run, hands))).toEqual([
    'deployment',
    'verb',
    'magnum-ca',
    'renewal',
  ]);
  expect(['d1', 'make-cert', 'constructor'].filter(isOwnWork)).toEqual([]);
});
