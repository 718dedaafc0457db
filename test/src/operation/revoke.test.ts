import { expect, test } from 'vitest';
import { selectRevoke } from '../../../src/operation/revoke.ts';

test('reads a list with its flags', () => {
  expect(selectRevoke({ crl: 'a-list', allow_own: 'True', restart: true, prepare: '' })).toMatchObject({
    kind: 'revoke',
    list: 'a-list',
    allowOwn: true,
    prepare: false,
    restart: true,
  });
});

test.each([{}, { crl: '' }, { crl: ' \n' }, { crl: 7 }, { crl: null }])(
  'rejects %j, which contains no list',
  (inputs) => {
    expect(selectRevoke(inputs)).toMatchObject({ kind: 'refuse', reason: 'list-missing' });
  },
);

test.each(['allow_own', 'prepare', 'restart'])(
  'rejects a flag %s with another value, and names it',
  (name) => {
    expect(selectRevoke({ crl: 'a-list', [name]: 'perhaps' })).toMatchObject({
      kind: 'refuse',
      reason: 'input-not-a-flag',
      why: expect.stringContaining(name) as unknown,
    });
  },
);
