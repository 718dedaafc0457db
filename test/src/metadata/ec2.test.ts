import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { readAddress } from '../../../src/metadata/address.ts';
import { ec2Collector, type ReadItem } from '../../../src/metadata/ec2.ts';
import { NEVER } from '../support/clock.ts';
import { jsonObject } from '../support/fixtures.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

/** Nova's service for a server with one key, as its documentation shows it. */
const SERVICE: Record<string, string> = {
  '': 'ami-id\nblock-device-mapping/\nlocal-ipv4\nplacement/\npublic-ipv4\npublic-keys/',
  'ami-id': 'ami-0000000d',
  'block-device-mapping/': 'ami\nroot',
  'block-device-mapping/ami': 'vda',
  'block-device-mapping/root': '/dev/vda',
  'local-ipv4': '10.0.0.5',
  'placement/': 'availability-zone',
  'placement/availability-zone': 'nova',
  'public-ipv4': '',
  'public-keys/': '0=mykey',
  'public-keys/0/': 'openssh-key',
  'public-keys/0/openssh-key': 'ssh-rsa AAAA\n',
};
const drive = async (): Promise<string> =>
  await Promise.resolve('{"local-ipv4": "10.1.1.1", "public-ipv4": null}');
const endless: ReadItem = async (name) =>
  await Promise.resolve(name.endsWith('/') || name === '' ? 'a/\nb/' : '');
const broad: ReadItem = async () =>
  await Promise.resolve(Array.from({ length: 10_000 }, (_, index) => index).join('\n'));
const noDrive = async (): Promise<undefined> => await Promise.resolve(undefined);
const service =
  (items: Record<string, string>): ReadItem =>
  async (name) => {
    const item = items[name];
    if (item === undefined) throw new AgentError('cloud-refused', `there is no ${name}`);
    return await Promise.resolve(item);
  };

function collecting(read: ReadItem, drive: () => Promise<string | undefined> = noDrive) {
  let now = 0;
  let asked = 0;
  const counted: ReadItem = async (name, abort) => {
    asked += 1;
    return await read(name, abort);
  };
  const collector = ec2Collector(drive, counted, { elapsed: () => now });
  return {
    asked: () => asked,
    later: (ms: number) => (now += ms),
    collect: async () => (await collector.collect(NEVER)).map(({ text }) => text),
  };
}

test('reads the service as a tree, once', async () => {
  const { collect, asked } = collecting(service(SERVICE));
  const [text = ''] = await collect();
  // As os-collect-config 12.0.0 stores the same service under its key `ec2`.
  expect(jsonObject(text)).toEqual({
    'ami-id': 'ami-0000000d',
    'block-device-mapping': { ami: 'vda', root: '/dev/vda' },
    'local-ipv4': '10.0.0.5',
    placement: { 'availability-zone': 'nova' },
    'public-ipv4': '',
    'public-keys': { 0: { 'openssh-key': 'ssh-rsa AAAA\n' } },
  });
  const before = asked();
  expect(await collect()).toEqual([text]);
  expect(asked()).toBe(before);
});

test('prefers the config drive', async () => {
  const { collect, asked } = collecting(service(SERVICE), async () => await Promise.resolve('{"a": 1}'));
  expect(await collect()).toEqual(['{"a": 1}']);
  expect(asked()).toBe(0);
});

test('does not ask a missing service again for ten minutes', async () => {
  const { collect, asked, later } = collecting(service({}));
  await agentErrorOf(collect());
  later(9 * 60_000);
  await agentErrorOf(collect());
  expect(asked()).toBe(1);
  later(2 * 60_000);
  await agentErrorOf(collect());
  expect(asked()).toBe(2);
});

test('gives up on a service that never ends', async () => {
  expect(await agentErrorOf(collecting(endless).collect())).toMatchObject({ code: 'bad-answer' });
  expect(await agentErrorOf(collecting(broad).collect())).toMatchObject({ code: 'bad-answer' });
});

test('turns any lists into a JSON object or an agent error', async () => {
  const name = fc.constantFrom('a', 'b/', '0=x', '__proto__/', '', '=', '/');
  const list = fc.array(name, { maxLength: 3 }).map((names) => names.join('\n'));
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.oneof(list, fc.string())), async (answers) => {
      const read: ReadItem = async () => await Promise.resolve(String(answers.next().value));
      const result = await collecting(read)
        .collect()
        .catch((error: unknown) => error);
      if (result instanceof AgentError) return;
      expect(Array.isArray(result) && jsonObject(String(result[0]))).toBeTypeOf('object');
    }),
    { numRuns: 200 },
  );
});

test('reads an address from the drive, then from the service, and treats an empty one as missing', async () => {
  expect(await readAddress('local-ipv4', drive, service(SERVICE), NEVER)).toBe('10.1.1.1');
  expect(await readAddress('public-ipv4', drive, service({}), NEVER)).toBeUndefined();
  expect(await readAddress('local-ipv4', noDrive, service(SERVICE), NEVER)).toBe('10.0.0.5');
  expect(await readAddress('public-ipv4', noDrive, service(SERVICE), NEVER)).toBeUndefined();
});

test('rejects an invalid address', async () => {
  for (const item of ['<html>', '10.0.0.5\n10.0.0.6', 'localhost', '10.0.0.256'])
    expect(
      await agentErrorOf(readAddress('local-ipv4', noDrive, service({ 'local-ipv4': item }), NEVER)),
    ).toMatchObject({ code: 'bad-answer' });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => {
      const any = async (): Promise<string> => await Promise.resolve(text);
      const result = await readAddress('local-ipv4', any, service({}), NEVER).catch(
        (error: unknown) => error,
      );
      expect(result === undefined || typeof result === 'string' || result instanceof AgentError).toBe(true);
    }),
  );
});
