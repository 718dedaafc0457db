import { expect, test } from 'vitest';
import { createSwift } from '../../../src/openstack/swift.ts';
import { NEVER } from '../support/clock.ts';
import { fakeHttp } from '../support/fake-http.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const URL = 'http://swift/v1/AUTH_p/c/o?temp_url_sig=5ec2e7&temp_url_expires=2147483586';

test("reads an object's date of last change", async () => {
  const { http, asked } = fakeHttp({
    status: 200,
    headers: { 'last-modified': 'Sat, 21 Nov 2026 15:21:35 GMT' },
  });
  expect(await createSwift(http).changedAt(URL, NEVER)).toBe(Date.parse('2026-11-21T15:21:35Z'));
  expect(asked[0]).toMatchObject({ method: 'HEAD', url: URL });
});

test.each([404, 401, 403, 405, 200])('reports no date: %i', async (status) => {
  const { http } = fakeHttp({ status, headers: { 'last-modified': status === 200 ? 'junk' : '' } });
  expect(await createSwift(http).changedAt(URL, NEVER)).toBeUndefined();
});

test('acknowledges only a 2xx, and shows the signature in no message', async () => {
  const { http, asked } = fakeHttp(
    { status: 201 },
    { status: 401, text: 'Temp URL invalid' },
    { status: 503 },
  );
  const swift = createSwift(http);
  await swift.put(URL, '{}', NEVER);
  expect(asked[0]).toMatchObject({ method: 'PUT', url: URL, body: '{}' });
  for (const code of ['unauthorized', 'cloud-unreachable', 'cloud-unreachable'] as const) {
    const error = await agentErrorOf(
      code === 'unauthorized' ? swift.put(URL, '{}', NEVER) : swift.changedAt(URL, NEVER),
    );
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('5ec2e7');
  }
});

test('rejects an address that is not http', async () => {
  const { http, asked } = fakeHttp({ status: 201 });
  const error = await agentErrorOf(createSwift(http).put('file:///etc/passwd', '{}', NEVER));
  expect(error.code).toBe('bad-deployment');
  expect(asked).toEqual([]);
});
