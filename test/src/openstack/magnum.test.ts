import { X509Certificate } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { createMagnum } from '../../../src/openstack/magnum.ts';
import { NEVER } from '../support/clock.ts';
import { captured, fakeHttp } from '../support/fake-http.ts';
import { jsonObject } from '../support/fixtures.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const access = { magnumUrl: 'http://127.0.0.1:9511/v1/', clusterUuid: 'dbaac417', token: 'gAAAA' };

test('fetches a CA by type, with an API version that knows types', async () => {
  const { http, asked } = fakeHttp(captured('magnum-ca-etcd.json'));
  expect(new X509Certificate(await createMagnum(http).readCa(access, 'etcd', NEVER)).subject).toBe('CN=k2');
  expect(asked).toMatchObject([
    {
      method: 'GET',
      url: 'http://127.0.0.1:9511/v1/certificates/dbaac417?ca_cert_type=etcd',
      headers: { 'x-auth-token': 'gAAAA', 'openstack-api-version': 'container-infra latest' },
    },
  ]);
});

test('sends a CSR and returns its certificate', async () => {
  const { http, asked } = fakeHttp(captured('magnum-sign.json'));
  const pem = await createMagnum(http).sign(access, 'front-proxy', 'CSR', NEVER);
  expect(new X509Certificate(pem).subject).toBe('CN=etcd');
  expect(asked).toMatchObject([{ method: 'POST', url: 'http://127.0.0.1:9511/v1/certificates' }]);
  expect(jsonObject(asked[0]?.body ?? '')).toEqual({
    cluster_uuid: 'dbaac417',
    csr: 'CSR',
    ca_cert_type: 'front-proxy',
  });
});

test("reports a rejected CSR in Magnum's words", async () => {
  const { http } = fakeHttp(captured('magnum-bad-csr.json'));
  const error = await agentErrorOf(createMagnum(http).sign(access, 'etcd', 'junk', NEVER));
  expect(error).toMatchObject({ code: 'cloud-refused', kind: 'refused' });
  expect(error.message).toContain("Received invalid csr b'junk'.");
});

test.each([
  [401, 'unauthorized'],
  [403, 'cloud-refused'],
  [404, 'cloud-refused'],
  [408, 'cloud-unreachable'],
  [429, 'cloud-unreachable'],
  [500, 'cloud-unreachable'],
  [503, 'cloud-unreachable'],
])('maps status %i to %s', async (status, code) => {
  const { http } = fakeHttp({ status, text: 'Service Unavailable' });
  for (const asking of [
    createMagnum(http).readCa(access, 'etcd', NEVER),
    createMagnum(http).sign(access, 'etcd', 'x', NEVER),
  ])
    expect(await agentErrorOf(asking)).toMatchObject({ code });
});

test.each(['', '<html>', '{}', '{"pem":7}', '[]'])(
  'rejects an answer %j without a certificate',
  async (text) => {
    const { http } = fakeHttp({ status: 200, text });
    expect(await agentErrorOf(createMagnum(http).readCa(access, 'etcd', NEVER))).toMatchObject({
      code: 'bad-answer',
    });
  },
);

test('maps any answer to a PEM or an agent error', async () => {
  const close = fc.jsonValue().map((pem) => JSON.stringify({ pem }));
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), close);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 200, max: 599 }), text, async (status, body) => {
      const { http } = fakeHttp({ status, text: body });
      const magnum = createMagnum(http);
      for (const asked of [magnum.readCa(access, 'etcd', NEVER), magnum.sign(access, 'etcd', 'CSR', NEVER)]) {
        const result = await asked.catch((error: unknown) => error);
        if (!(result instanceof AgentError)) expect(result).toBeTypeOf('string');
      }
    }),
  );
});
