import { expect, test } from 'vitest';
import { heatCollector } from '../../../src/metadata/heat.ts';
import { NEVER } from '../support/clock.ts';

test("returns Heat's metadata as one text, and reports missing metadata", async () => {
  const told = heatCollector(async () => await Promise.resolve('{}'));
  expect(await told.collect(NEVER)).toEqual([{ source: 'heat', text: '{}' }]);
  const silent = heatCollector(async () => await Promise.reject(new Error('no')));
  await expect(silent.collect(NEVER)).rejects.toThrow('no');
});
