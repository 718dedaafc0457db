import { expect, test } from 'vitest';
import { metadataService } from '../../../src/openstack/metadata-service.ts';
import { NEVER } from '../support/clock.ts';
import { fakeHttp, type Reply } from '../support/fake-http.ts';
import { faultIn } from '../support/outcome-of.ts';

const URL = 'http://169.254.169.254/latest/meta-data/';

const read = async (name: string, reply: Reply) => {
  const { http, asked } = fakeHttp(reply);
  return { text: await metadataService(http, URL)(name, NEVER), asked: asked.map(({ url }) => url) };
};

test('reads an item below the address, and the list of items', async () => {
  expect(await read('local-ipv4', { status: 200, text: '10.0.0.5' })).toEqual({
    text: '10.0.0.5',
    asked: ['http://169.254.169.254/latest/meta-data/local-ipv4'],
  });
  expect((await read('', { status: 200 })).asked).toEqual([URL]);
});

test.each([
  // A server without a public address.
  [404, { code: 'cloud-refused', reason: undefined }],
  [500, { code: 'cloud-unreachable', reason: 'http-500' }],
  [204, { code: 'bad-answer', reason: 'http-204' }],
])('the status %i is no item', async (status, fault) => {
  expect(await faultIn(read('public-ipv4', { status }))).toEqual(fault);
});
