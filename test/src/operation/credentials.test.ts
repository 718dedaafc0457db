import { expect, test } from 'vitest';
import { selectCredentials } from '../../../src/operation/credentials.ts';

test('reads the given credentials, and treats an empty text as missing', () => {
  expect(
    selectCredentials({ trust_id: 'abc', trustee_password: '', region_name: null, deploy_action: 'UPDATE' }),
  ).toEqual({ kind: 'credentials', given: { trust_id: 'abc' } });
});

test.each([
  [{}, 'nothing-given'],
  [{ trust_id: 7 }, 'input-not-text'],
  [{ trustee_password: '***' }, 'input-masked'],
  [{ trustee_password: '******' }, 'input-masked'],
  [{ trustee_password: 'geheim\nA="b"' }, 'input-control-character'],
  [{ trustee_password: 'geheim\u0000' }, 'input-control-character'],
  [{ trustee_password: 'geheim\u2028' }, 'input-control-character'],
  [{ trustee_password: 'ge\'h"eim' }, 'input-unquotable'],
  [{ trustee_password: "ge'h$eim" }, 'input-unquotable'],
  [{ trustee_password: 'geheim\uD800' }, 'input-not-unicode'],
  [{ trust_id: 'a b' }, 'input-with-space'],
  [{ auth_url: 'keystone:5000' }, 'input-no-http-address'],
])('rejects %j', (inputs, reason) => {
  const refusal = selectCredentials(inputs);
  expect(refusal).toMatchObject({ kind: 'refuse', reason });
  // It names the input, never its value.
  for (const name of Object.keys(inputs)) expect(JSON.stringify(refusal)).toContain(name);
  expect(JSON.stringify(refusal)).not.toMatch(/geheim|ge'h/);
});

test.each(['pass word', "it's", 'a"b', 'a$b`c\\d', '#;=', 'ä€𝄞'])('accepts the password %j', (password) => {
  expect(selectCredentials({ trustee_password: password })).toMatchObject({
    given: { trustee_password: password },
  });
});
