import { describe, expect, test } from 'vitest';
import { countMembers, peerAddress } from '../../../src/services/etcd-members.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const answering = (status: number, text: string) => async () =>
  await Promise.resolve({ status, headers: {}, text });

describe('the number of etcd members', () => {
  test('is read from the answer', async () => {
    // As etcd 3.4 answers GET /members on its peer port.
    const text =
      '[{"id":4322312139137456126,"peerURLs":["https://10.0.0.5:2380"],"name":"m0","clientURLs":["https://10.0.0.5:2379"]},{"id":1,"peerURLs":["https://10.0.0.6:2380"],"name":""}]';
    expect(await countMembers(answering(200, text), NEVER)).toBe(2);
  });

  test.each([
    [404, '404 page not found\n'],
    [200, '{}'],
    [200, 'not JSON'],
  ])('is unknown if the answer is not a list of members: %i %s', async (status, text) => {
    expect(await agentErrorOf(countMembers(answering(status, text), NEVER))).toMatchObject({
      code: 'bad-answer',
    });
  });
});

test.each([
  ['listen-peer-urls: https://10.0.0.5:2380\n', { host: '10.0.0.5', port: 2380 }],
  ['name: m0\nlisten-peer-urls: "https://10.0.0.5:7001" # peers\n', { host: '10.0.0.5', port: 7001 }],
  ['listen-peer-urls: http://127.0.0.1:2380,https://[fd00::5]:2381\n', { host: 'fd00::5', port: 2381 }],
  ['listen-peer-urls: https://etcd.example\n', { host: 'etcd.example', port: 2380 }],
  ['listen-peer-urls: http://127.0.0.1:2380\n', undefined],
  ['listen-peer-urls: https://[half\n', undefined],
  ['#listen-peer-urls: https://10.0.0.5:2380\nlisten-client-urls: https://10.0.0.5:2379\n', undefined],
  ['', undefined],
])('reads where etcd listens for its peers: %j', (config, address) => {
  expect(peerAddress(config)).toEqual(address);
});
