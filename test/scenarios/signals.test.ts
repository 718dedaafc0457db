import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import type { SignalTransport } from '../cloud/deployment.ts';
import { createSite, type Site } from './support/site.ts';

/** Answers over a queue or an object, which Heat reads. */
let cloud: Cloud;
/** The cloud uses the node's clock, so that simulated waits pass for both. */
let clock: Clock = systemClock;
beforeAll(async () => {
  cloud = await startCloud({ now: () => clock.now() });
});
afterAll(async () => {
  await cloud.close();
});

const siteWith = async (signalTransport: SignalTransport): Promise<Site> => {
  const site = await createSite(cloud, { server: { signalTransport } });
  ({ clock } = site);
  return site;
};

const both = ['ZAQAR_SIGNAL', 'TEMP_URL_SIGNAL'] as const;

test.each(both)('answers two rotations in a row by %s, each once', async (signalTransport) => {
  const site = await siteWith(signalTransport);
  for (let rotation = 1; rotation <= 2; rotation += 1) {
    await cloud.rotateCa(site.cluster);
    const { settled, open } = await site.pass();
    expect(settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
    expect(open).toEqual([]);
    expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  }
  const ids = site.signals().map(({ deploymentId }) => deploymentId);
  expect(new Set(ids).size).toBe(2);
  expect(ids).toHaveLength(2);
  expect((await site.ledger()).map(({ state }) => state)).toEqual(['signalled', 'signalled']);
});

test.each([
  ['ZAQAR_SIGNAL', 'zaqar', 'POST', /\/messages/],
  ['TEMP_URL_SIGNAL', 'swift', 'PUT', /./],
] as const)(
  'sends an unacknowledged answer by %s in the next start',
  async (signalTransport, service, method, path) => {
    const site = await siteWith(signalTransport);
    const down = { kind: 'answer', status: 503, body: 'maintenance' } as const;
    const fault = cloud.fault({ service, method, path, effect: down });
    onTestFinished(cloud.clearFaults);
    await cloud.rotateCa(site.cluster);
    const first = await site.pass();
    expect(first.open).toMatchObject([{ why: expect.stringContaining('503') as unknown }]);
    expect(fault.hits).toBeGreaterThan(1);
    cloud.clearFaults();
    expect((await site.pass()).open).toEqual([]);
    expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
    expect(site.restarts()).toHaveLength(new Set(site.restarts()).size);
  },
);

test('puts an answer again that arrives within the second of its deployment, and Heat accepts it', async () => {
  const site = await siteWith('TEMP_URL_SIGNAL');
  await cloud.rotateCa(site.cluster);
  // Created three seconds after the end of this node's rotation: a realistic clock difference.
  const resource = site.cluster.stack.resources.get(`${site.server}-rotate`);
  const created = resource?.current?.deployment;
  if (!resource?.current || !created) throw new Error('there is no deployment');
  created.creation_time = new Date(clock.now() + 3000).toISOString().replace(/\.\d+/, '');
  await site.pass();
  const puts = cloud.requests.filter(({ service, method }) => service === 'swift' && method === 'PUT');
  expect(site.clock.sleeps).toContain(2000);
  expect(puts.slice(-2).map(({ path }) => path)).toEqual([puts.at(-1)?.path, puts.at(-1)?.path]);
});

test('reports an expired temporary URL in plain words, without its signature', async () => {
  const site = await siteWith('TEMP_URL_SIGNAL');
  await cloud.rotateCa(site.cluster);
  cloud.objects.changeKeys();
  const { open } = await site.pass();
  expect(open[0]?.why).toMatch(/2038-.*401.*Temp URL invalid/);
  const url = new URLSearchParams(
    cloud.requests.findLast(({ service }) => service === 'swift')?.path.replace(/^.*\?/, ''),
  );
  const signature = url.get('temp_url_sig') ?? '';
  expect(signature).toHaveLength(64);
  expect(site.log.join('')).not.toContain(signature);
  expect(JSON.stringify(open)).not.toContain(signature);
});
