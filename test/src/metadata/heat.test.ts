import { expect, test } from 'vitest';
import { heatCollector } from '../../../src/metadata/heat.ts';
import { NEVER } from '../support/clock.ts';

test('what Heat says is one text; what it does not say is an error', async () => {
  const told = heatCollector(async () => await Promise.resolve('{}'));
  expect(await told.collect(NEVER)).toEqual([{ source: 'heat', text: '{}' }]);
  const silent = heatCollector(async () => await Promise.reject(new Error('no')));
  await expect(silent.collect(NEVER)).rejects.toThrow('no');
});
