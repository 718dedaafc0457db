import { expect, test } from 'vitest';
import { isSecretName, secretsNamed } from '../../../../src/base/secrets/names.ts';

const SECRET = `password deploy_password passwd db_pwd dbPwd passphrase PASSCODE mysql_pass dbPass api_key apiKey API-KEY
  secret_access_key encryption_key credentials db.creds auth registry_auth basicAuth auth_data token X-Auth-Token private
  private_key client_secret APPLICATION_CREDENTIAL_SECRET pin otp TRUSTEE_PASSWORD KUBE_SERVICE_ACCOUNT_PRIVATE_KEY authorization session_cookie jwt psk`;

test.each(SECRET.split(/\s+/))('treats the value of %s as secret', (name) => {
  expect(isSecretName(name)).toBe(true);
});

const OPEN = `deploy_auth_url AUTH_URL auth_type author authorized_keys keypair ssh_key_name public_key compass bypass
  passthrough pinned mapping region user_id KUBE_SERVICE_ACCOUNT_KEY monkey KUBE_API_PRIVATE_ADDRESS fixed_private_network
  APPLICATION_CREDENTIAL_ID KEYSTONE_AUTH_ENABLED K8S_KEYSTONE_AUTH_TAG`;

test.each(OPEN.split(/\s+/))('treats the value of %s as public', (name) => {
  expect(isSecretName(name)).toBe(false);
});

test('treats everything below a secret name as secret, also numbers', () => {
  const value = { user: 'u', password: 'p', list: [{ token: ['t', 5] }], flag: true, none: null };
  expect(secretsNamed('config', value)).toEqual(['p', 't', '5']);
  expect(secretsNamed('credentials', value)).toEqual(['u', 'p', 't', '5']);
  expect(secretsNamed('pin', 1234)).toEqual(['1234']);
  expect(secretsNamed('pin', JSON.rawJSON('1234.50'))).toEqual(['1234.50', '1234.5']);
});
