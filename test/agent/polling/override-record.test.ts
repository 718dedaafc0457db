import { expect, test } from 'vitest';
import { digestOf, pollAlike, sectionInForce } from '../../../agent/polling/override-record.ts';
import { createHands } from '../../fakes/hands.ts';

const record = { section: 'new', before: 'former', since: 1, unanswered: 0, configured: 'x' };

test.each([
  ['trial', 'new'],
  ['adopted', 'new'],
  ['given-up', 'former'],
] as const)('a section on %s polls with the %s one', (state, section) => {
  expect(sectionInForce({ ...record, state })).toBe(section);
});

test('identifies how a configuration polls, without its secrets', async () => {
  const { hands } = await createHands();
  const { config } = hands;
  const unused = { ...config, zaqar: undefined, reconcile: 'all' as const, heat_local: { path: ['/other'] } };
  expect([digestOf(unused), pollAlike(config, unused)]).toEqual([digestOf(config), true]);
  for (const changed of [
    { ...config, local: { path: ['/other'] } },
    { ...config, poll: { ...config.poll, max_seconds: 31 } },
    { ...config, collectors: ['local', 'heat_local'] as const },
  ]) {
    const other = { ...changed, collectors: [...changed.collectors] };
    expect(pollAlike(config, other)).toBe(false);
    expect(digestOf(other)).not.toBe(digestOf(config));
  }
  expect(digestOf(config)).toMatch(/^[0-9a-f]{64}$/);
});
