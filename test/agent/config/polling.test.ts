import { describe, expect, test } from 'vitest';
import {
  checkPolling,
  faultOfSection,
  requireSection,
  secretsOfPolling,
} from '../../../agent/config/polling.ts';
import { faultOf } from '../../src/support/outcome-of.ts';
import { load, PATH } from '../../scenarios/support/config.ts';

const USER = 'auth_url: http://k/v3, user_id: u, project_id: p';
const SECTIONS = `collectors: [heat, cfn, request, zaqar]
heat: { ${USER}, password: of-heat, stack_id: s/1, resource_name: r }
zaqar: { ${USER}, password: of-zaqar, queue_id: q }
cfn: { stack_name: s, path: [a.Metadata], access_key_id: a, secret_access_key: of-cfn }
request: { metadata_url: 'http://o/c/x?temp_url_sig=of-request&temp_url_expires=1' }
`;

const polling = async (text = SECTIONS) => (await load({ [PATH]: text })).config;

describe('what the schema cannot express', () => {
  test('accepts intervals of the same length', async () => {
    const config = await polling();
    checkPolling({ ...config, poll: { min_seconds: 5, max_seconds: 5 } }, 'x');
  });

  test.each([
    ['no collector', { collectors: [] }, 'no-collector'],
    ['intervals in the wrong order', { poll: { min_seconds: 6, max_seconds: 5 } }, 'intervals-swapped'],
  ])('rejects %s', async (_, over, reason) => {
    const config = await polling();
    const check = (): void => {
      checkPolling({ ...config, ...over }, 'x');
    };
    expect(faultOf(check)).toEqual({ code: 'config', reason });
  });
});

test('a collector needs its section', () => {
  expect(requireSection('heat', 'section')).toBe('section');
  expect(faultOf(() => requireSection('heat', undefined))).toEqual({
    code: 'config',
    reason: 'section-missing',
  });
});

test('says why a section of the metadata cannot be used, by its key', () => {
  expect(faultOfSection('request', { metadata_url: 'http://o/x' })).toBeUndefined();
  expect(faultOfSection('request', { metadata_url: 'ftp://o/x' })).toContain('request.metadata_url');
  expect(
    faultOfSection('cfn', { stack_name: 's', path: ['a'], access_key_id: 'a', secret_access_key: 'b' }),
  ).toContain('cfn.path');
  expect(faultOfSection('unknown', {})).toBeUndefined();
});

test('names the secret of every section', async () => {
  const secrets = secretsOfPolling(await polling());
  for (const secret of ['of-heat', 'of-zaqar', 'of-cfn', 'of-request'])
    expect(secrets.some((one) => one.includes(secret))).toBe(true);
  expect(secretsOfPolling(await polling('collectors: [local]\n'))).toEqual([]);
});
