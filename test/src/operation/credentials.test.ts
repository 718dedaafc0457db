import { expect, test } from 'vitest';
import { selectCredentials } from '../../../src/operation/credentials.ts';

test('what is given is taken, an empty text is none', () => {
  expect(
    selectCredentials({ trust_id: 'abc', trustee_password: '', region_name: null, deploy_action: 'UPDATE' }),
  ).toEqual({ kind: 'credentials', given: { trust_id: 'abc' } });
});

test.each([
  [{}, /nothing is given: at least one of trustee_user_id, trustee_password/],
  [{ trust_id: 7 }, /the input trust_id is no text/],
  [{ trustee_password: '***' }, /the input trustee_password is masked/],
  [{ trustee_password: '******' }, /the input trustee_password is masked/],
  [{ trustee_password: 'geheim\nA="b"' }, /the input trustee_password has a line break/],
  [{ trustee_password: 'geheim\u0000' }, /the input trustee_password has a line break or another control/],
  [{ trustee_password: 'geheim\u2028' }, /the input trustee_password has a line break/],
  [{ trustee_password: 'ge\'h"eim' }, /the input trustee_password has an apostrophe and one of/],
  [{ trustee_password: "ge'h$eim" }, /the input trustee_password has an apostrophe and one of/],
  [{ trustee_password: 'geheim\uD800' }, /the input trustee_password is no Unicode text/],
  [{ trust_id: 'a b' }, /the input trust_id has a space in it/],
  [{ auth_url: 'keystone:5000' }, /the input auth_url is no http or https address/],
])('refused: %j', (inputs, why) => {
  const said = selectCredentials(inputs);
  expect(said).toMatch(why);
  expect(said).not.toContain('geheim');
});

test.each(['pass word', "it's", 'a"b', 'a$b`c\\d', '#;=', 'ä€𝄞'])('a password may be %j', (password) => {
  expect(selectCredentials({ trustee_password: password })).toMatchObject({
    given: { trustee_password: password },
  });
});
