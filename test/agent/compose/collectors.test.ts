import { describe, expect, test } from 'vitest';
import { collectorOf, type Readers } from '../../../agent/compose/collectors.ts';
import type { Polling } from '../../../agent/config/polling.ts';
import type { CollectorName } from '../../../src/metadata/collector.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn, faultOf } from '../../src/support/outcome-of.ts';

const HINT = '/var/lib/heat-cfntools/cfn-metadata-server';
const HEAT = {
  auth_url: 'http://k/v3',
  user_id: 'u',
  password: 'p',
  project_id: 'pr',
  stack_id: 's',
  resource_name: 'r',
};
const CFN = {
  heat_metadata_hint: HINT,
  stack_name: 's',
  path: ['node.Metadata'],
  access_key_id: 'a',
  secret_access_key: 'x',
};

const refuse = async () => await Promise.reject(new Error('not asked in this test'));

/** Makes a node with these files, and collectors whose readers record the requests. */
async function setUp(over: Partial<Polling> = {}, files: Record<string, string> = {}) {
  const made = await createHands({ files });
  const asked: unknown[] = [];
  const readers: Readers = {
    readServer: async (from) => {
      asked.push(from);
      return await Promise.resolve('{"deployments": []}');
    },
    readField: async (from, url, of) => {
      asked.push({ from, url, of });
      return await Promise.resolve('{"a": 1}');
    },
    openTempUrl: (url) => {
      asked.push(url);
      return { look: refuse, read: refuse };
    },
    openQueue: (from) => {
      asked.push(from);
      return {
        id: from.queue_id,
        page: 10,
        claimMs: 1000,
        claim: refuse,
        release: refuse,
        has: refuse,
        removeClaimed: refuse,
      };
    },
    readDrive: async () => await Promise.resolve(undefined),
    readItem: refuse,
  };
  const polling: Polling = { ...made.hands.config, ...over };
  const hands = { ...readers, disk: made.disk, clock: made.clock };
  const collect = async (name: CollectorName) => await collectorOf(name, polling, hands).collect(NEVER);
  return { ...made, asked, collect, open: (name: CollectorName) => collectorOf(name, polling, hands) };
}

test.each(['heat', 'cfn', 'request', 'zaqar'] as const)('%s needs its section', async (name) => {
  const { open } = await setUp();
  expect(faultOf(() => open(name))).toEqual({ code: 'config', reason: 'section-missing' });
});

test.each(['ec2', 'config_drive', 'heat_local', 'local'] as const)('%s needs no section', async (name) => {
  const { open } = await setUp();
  expect(open(name).name).toBe(name);
});

test('heat asks for the server of its section', async () => {
  const { asked, collect } = await setUp({ heat: HEAT });
  expect(await collect('heat')).toMatchObject([{ text: '{"deployments": []}' }]);
  expect(asked).toEqual([HEAT]);
});

test('request and zaqar open the address and the queue of their sections', async () => {
  const zaqar = { auth_url: 'k', user_id: 'u', password: 'p', project_id: 'p', queue_id: 'q' };
  const { asked, open } = await setUp({
    request: { metadata_url: 'http://swift/x' },
    zaqar: { ...zaqar, use_websockets: false },
  });
  expect([open('request').name, open('zaqar').name]).toEqual(['request', 'zaqar']);
  expect(asked).toEqual(['http://swift/x', { ...zaqar, use_websockets: false }]);
});

test('local reads the configured directories', async () => {
  const { collect } = await setUp({ local: { path: ['/data'] } }, { '/data/a.json': '{}' });
  expect(await collect('local')).toEqual([{ source: '/data/a.json', text: '{}' }]);
});

/** Returns the requests of the collector cfn. */
const requestsOf = async (over: object, files?: Record<string, string>): Promise<unknown> => {
  const { asked, collect } = await setUp({ cfn: { ...CFN, ...over } }, files);
  await collect('cfn');
  return asked;
};

describe('cfn', () => {
  test('asks the configured address, and needs no hint', async () => {
    const metadata_url = 'http://heat/v1/';
    expect(await requestsOf({ metadata_url }, { [HINT]: 'http://other' })).toMatchObject([
      { url: metadata_url, of: { resourceName: 'node', field: 'Metadata' } },
    ]);
  });

  // cloud-init writes the address without a version; the metadata is below /v1/.
  test.each(['http://10.0.0.1:8000', 'https://heat.example:8000\n'])(
    'completes the address that cloud-init has written: %j',
    async (hint) => {
      expect(await requestsOf({}, { [HINT]: hint })).toMatchObject([{ url: `${hint.trim()}/v1/` }]);
    },
  );

  test.each([undefined, '', 'ftp://x', '10.0.0.1:8000', 'http://', 'http:///x'])(
    'rejects the hint %j',
    async (hint) => {
      const files = hint === undefined ? {} : { [HINT]: hint };
      expect((await faultIn(requestsOf({}, files))).code).toBe('config');
    },
  );

  test('rejects a hint that others can change', async () => {
    const { collect, write } = await setUp({ cfn: CFN });
    await write(HINT, 'http://10.0.0.1:8000', 0o666);
    expect((await faultIn(collect('cfn'))).code).toBe('config');
  });
});
