import { expect, test } from 'vitest';
import { secretsOf } from '../../../src/deployment/deployment.ts';
import { deployment, HEAT_SIGNAL } from '../support/deployments.ts';

test('treats passwords, tokens and private keys of a deployment as secret, but not its ids', () => {
  const secrets = secretsOf(
    deployment({
      ...HEAT_SIGNAL,
      keystone_token: 'gAAAA-token',
      kube_service_account_private_key_input: 'PEM',
      trustee_password: 'pw',
      deploy_action: 'UPDATE',
    }),
  );
  expect(secrets).toEqual(expect.arrayContaining(['gAAAA-token', 'PEM', 'pw', HEAT_SIGNAL.deploy_password]));
  expect(secrets).not.toContain('UPDATE');
  expect(secrets).not.toContain(HEAT_SIGNAL.deploy_user_id);
});

test('treats the query of a pre-signed address as secret, because it authorizes any holder', () => {
  const url = 'http://heat/v1/signal/a?SignatureMethod=HmacSHA256&Signature=abc%3D';
  expect(secretsOf(deployment({ deploy_signal_id: url }))).toContain(
    'SignatureMethod=HmacSHA256&Signature=abc%3D',
  );
  const both = { ...HEAT_SIGNAL, deploy_signal_transport: 'CFN_SIGNAL', deploy_signal_id: url };
  expect(secretsOf(deployment(both))).toContain(HEAT_SIGNAL.deploy_password);
});

test('treats the queries of a temporary URL and of a queue likewise', () => {
  const url = 'http://swift/v1/AUTH_p/c/o?temp_url_sig=5ec2e7a1&temp_url_expires=2147483586';
  const temporary = { deploy_signal_transport: 'TEMP_URL_SIGNAL', deploy_signal_id: url };
  expect(secretsOf(deployment(temporary))).toEqual(
    expect.arrayContaining(['temp_url_sig=5ec2e7a1&temp_url_expires=2147483586', '5ec2e7a1']),
  );
  const queue = { ...HEAT_SIGNAL, deploy_signal_transport: 'ZAQAR_SIGNAL', deploy_queue_id: 'q' };
  expect(secretsOf(deployment(queue))).toContain(HEAT_SIGNAL.deploy_password);
});
