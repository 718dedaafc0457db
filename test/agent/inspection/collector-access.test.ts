import { expect, test } from 'vitest';
import { accessOf } from '../../../agent/inspection/collector-access.ts';
import { load, PATH } from '../../scenarios/support/config.ts';

const USER = 'auth_url: http://k/v3, user_id: u, password: geheim, project_id: p';
const TEXT = `collectors: [heat, zaqar, cfn, request]
heat: { ${USER}, stack_id: s/1, resource_name: r }
zaqar: { ${USER}, queue_id: q }
cfn: { metadata_url: 'http://cfn/v1/', stack_name: s, path: [a.Metadata], access_key_id: a, secret_access_key: geheim }
request: { metadata_url: 'http://o/c/x?temp_url_sig=geheim&temp_url_expires=1#f' }
ec2: { metadata_url: 'http://meta/' }
`;

test.each([
  ['heat', { url: 'http://k/v3', login: 'user u' }],
  ['zaqar', { url: 'http://k/v3', login: 'user u' }],
  ['cfn', { url: 'http://cfn/v1/', login: 'access key a' }],
  ['request', { url: 'http://o/c/x' }],
  ['ec2', { url: 'http://meta/' }],
  ['local', {}],
  ['heat_local', {}],
  ['config_drive', {}],
] as const)('%s asks %j, without a secret', async (name, access) => {
  const { config } = await load({ [PATH]: TEXT });
  expect(accessOf(name, config)).toEqual(access);
});

test('an unconfigured collector asks nothing', async () => {
  const { config: local } = await load({ [PATH]: 'collectors: [local]\n' });
  for (const name of ['heat', 'zaqar', 'cfn', 'request'] as const) expect(accessOf(name, local)).toEqual({});
});
