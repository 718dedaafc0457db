import { expect, test } from 'vitest';
import { loginOf, openQueue, queueUserOf } from '../../../agent/compose/queue.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { createKeystone } from '../../../src/openstack/keystone.ts';
import { createZaqar } from '../../../src/openstack/zaqar.ts';
import { NEVER, testClock } from '../../src/support/clock.ts';
import { captured, fakeHttp, type Reply } from '../../src/support/fake-http.ts';

const SECTION = {
  auth_url: 'http://k/v3',
  user_id: 'u',
  password: 'p',
  project_id: 'pr',
  queue_id: 'q',
  region_name: 'RegionOne',
  use_websockets: false,
};
const USER = queueUserOf(SECTION);
/** A catalogue without Zaqar would be rejected; the captured one has no queue service. */
const token = (): Reply => {
  const reply = captured('keystone-trust-token.json');
  const entry = {
    type: 'messaging',
    endpoints: [{ interface: 'public', region: 'RegionOne', region_id: 'RegionOne', url: 'http://zaqar' }],
  };
  return {
    ...reply,
    text: (reply.text ?? '').replace('"catalog":[', `"catalog":[${JSON.stringify(entry)},`),
  };
};

test('logs in as the user of the section, in the project of the queue', () => {
  expect(loginOf(USER)).toEqual({
    authUrl: 'http://k/v3',
    userId: 'u',
    password: 'p',
    scope: { projectId: 'pr' },
    region: 'RegionOne',
  });
});

test('uses one login for every call of the queue', async () => {
  const { http, asked } = fakeHttp(token(), { status: 204 });
  const clock = testClock(Date.parse('2020-01-01T00:00:00Z'));
  const keystone = createKeystone({ http, clock, secrets: createSecrets() });
  const queue = openQueue(USER, keystone, createZaqar(http));
  expect(queue.id).toBe('q');
  // Zaqar counts a claim of a minute in whole seconds.
  expect(queue.claimMs).toBeGreaterThan(60_000);
  expect(await queue.claim(NEVER)).toBeUndefined();
  await queue.removeClaimed(
    {
      id: 'c',
      messages: [
        { id: 'm1', body: '' },
        { id: 'm2', body: '' },
      ],
    },
    NEVER,
  );
  await queue.release('c', NEVER);
  const calls = asked.map(({ method, url }) => `${method} ${url.replace('http://zaqar/v2/queues/q', '')}`);
  expect(calls).toEqual([
    'POST http://k/v3/auth/tokens',
    'POST /claims?limit=20',
    'DELETE /messages?ids=m1,m2&claim_ids=c',
    'DELETE /claims/c',
  ]);
});
