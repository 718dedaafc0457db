import { expect, test } from 'vitest';
import { readAddress } from '../../../src/metadata/address.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const read = async (drive: string | undefined, service: string): Promise<string | undefined> =>
  await readAddress(
    'local-ipv4',
    async () => await Promise.resolve(drive),
    async () => await Promise.resolve(service),
    NEVER,
  );

test.each<[string, string | undefined, string, string | undefined]>([
  ['the config drive before the service', '{"local-ipv4": "10.0.0.5"}', '10.0.0.6', '10.0.0.5'],
  ['the metadata service without a drive', undefined, '10.0.0.6\n', '10.0.0.6'],
  ['no address if the drive has none', '{"public-ipv4": "1.2.3.4"}', '10.0.0.6', undefined],
  ['no address if the service answers with nothing', undefined, ' \n', undefined],
  ['no address that is not text', '{"local-ipv4": 7}', '10.0.0.6', undefined],
])('takes %s', async (_, drive, service, address) => {
  expect(await read(drive, service)).toBe(address);
});

test.each<[string, string | undefined, string]>([
  ['a page of a captive portal', undefined, '<html>'],
  ['a name', '{"local-ipv4": "master-0"}', ''],
  ['a drive with invalid JSON', 'not json', ''],
])('rejects %s', async (_, drive, service) => {
  expect(await agentErrorOf(read(drive, service))).toMatchObject({ code: 'bad-answer' });
});
