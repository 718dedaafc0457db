import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import type { Deployment } from '../cloud/deployment.ts';
import { deployment } from '../src/support/deployments.ts';
import { cli } from './support/cli.ts';
import { createSite, type Site } from './support/site.ts';

/** A signal names no deployment: a late one would complete whatever its resource waits for by then. */
const cloud = await cloudForFile();

const RESOURCE = 'by-hand';
const SECOND = Date.parse('2026-11-21T00:00:00Z');

/** Requests a rotation of this resource, with inputs that were never sent before. */
const ask = (site: Site, what: string, created?: number): string =>
  cloud.deploy(site.cluster, site.server, {
    resource: RESOURCE,
    group: 'coe-rotate',
    inputs: [{ name: 'reason' }],
    values: { reason: what },
    outputs: [{ name: 'fingerprint' }],
    ...(created === undefined ? {} : { created }),
  }).id;

const statesOf = async (site: Site): Promise<Record<string, string>> =>
  Object.fromEntries((await site.ledger()).map(({ id, state }) => [id, state]));

const heatTakesNoSignal = (): void => {
  cloud.fault({ service: 'heat', method: 'POST', effect: { kind: 'answer', status: 503 } });
};

test('sends a result that Heat did not accept in a later start, once', async () => {
  const site = await createSite(cloud);
  const id = ask(site, 'one');
  heatTakesNoSignal();
  await site.pass();
  expect(await statesOf(site)).toEqual({ [id]: 'finished' });
  expect(site.signals()).toEqual([]);
  cloud.clearFaults();
  const restarts = site.restarts();
  await site.pass();
  await site.pass();
  expect(site.signals()).toMatchObject([{ deploymentId: id, accepted: true }]);
  expect(await statesOf(site)).toEqual({ [id]: 'signalled' });
  expect(site.restarts()).toEqual(restarts);
});

test("never sends an older deployment's result once a newer one of its resource is listed", async () => {
  const site = await createSite(cloud);
  const older = ask(site, 'one');
  heatTakesNoSignal();
  site.node.units.breakUnit('kubelet', 'is masked');
  await site.pass();
  cloud.clearFaults();
  site.node.units.mend('kubelet');
  const newer = ask(site, 'two', Date.now() + 60_000);
  await site.pass();
  // The older one failed: its answer would make the newer one fail.
  expect(
    site.signals().map(({ deploymentId, body }) => [deploymentId, body?.['deploy_status_code']]),
  ).toEqual([[newer, 0]]);
  expect(await statesOf(site)).toEqual({ [older]: 'superseded', [newer]: 'signalled' });
});

test('sends nothing while the list of deployments cannot be read', async () => {
  const site = await createSite(cloud);
  const id = ask(site, 'one');
  heatTakesNoSignal();
  await site.pass();
  cloud.clearFaults();
  const fault = cloud.fault({ service: 'heat', method: 'GET', effect: { kind: 'answer', status: 500 } });
  await site.pass();
  expect(fault.hits).toBe(1);
  expect(site.signals()).toEqual([]);
  expect(await statesOf(site)).toEqual({ [id]: 'finished' });
  cloud.clearFaults();
  await site.pass();
  expect(site.signals()).toHaveLength(1);
});

/** Makes a finished and unacknowledged rotation, and a Heat that accepts signals again. */
async function unacknowledged(): Promise<{ site: Site; id: string }> {
  const site = await createSite(cloud);
  const id = ask(site, 'one');
  heatTakesNoSignal();
  await site.pass();
  cloud.clearFaults();
  return { site, id };
}

/** Makes Heat list these deployments from now on. */
const heatLists = ({ cluster }: Site, deployments: readonly Deployment[]): void => {
  cluster.stack.deploymentsOn = () => [...deployments];
};

test('abandons a result that Heat no longer lists after two answers, and forgets its credentials', async () => {
  const { site, id } = await unacknowledged();
  heatLists(site, []);
  expect(await site.pass()).toMatchObject({ open: [{ id, code: 'unlisted' }] });
  expect(await site.pass()).toMatchObject({ open: [] });
  expect(await site.pass()).toMatchObject({ open: [] });
  expect(site.signals()).toEqual([]);
  expect(await statesOf(site)).toEqual({ [id]: 'finished' });
  expect((await site.ledger())[0]?.signal).toBeUndefined();
  expect((await cli(site, ['status'])).stdout).toContain('finished, no longer listed');
});

test.each([1, 2, 3])(
  'sends a result with outputs when Heat lists its deployment again after %i empty answers',
  async (times) => {
    const { site, id } = await unacknowledged();
    const listed = site.cluster.stack.deploymentsOn(site.server);
    heatLists(site, []);
    for (let time = 0; time < times; time += 1) await site.pass();
    heatLists(site, listed);
    expect(await site.pass()).toMatchObject({ open: [], settled: [] });
    expect(site.signals()).toMatchObject([
      { deploymentId: id, accepted: true, body: { deploy_status_code: 0 } },
    ]);
    expect(Object.keys(site.signals()[0]?.body ?? {})).toContain('fingerprint');
    expect(await statesOf(site)).toEqual({ [id]: 'signalled' });
  },
);

test('supersedes nothing by a stale answer with an older deployment, which is neither run nor answered', async () => {
  const site = await createSite(cloud);
  const older = ask(site, 'one', SECOND);
  const stale = site.cluster.stack.deploymentsOn(site.server);
  const newer = ask(site, 'two', SECOND + 5000);
  const fresh = site.cluster.stack.deploymentsOn(site.server);
  heatTakesNoSignal();
  await site.pass();
  cloud.clearFaults();
  heatLists(site, stale);
  for (const _ of [1, 2, 3]) expect(await site.pass()).toMatchObject({ settled: [] });
  expect(site.signals()).toEqual([]);
  expect((await cli(site, ['plan'])).stdout).toContain(`deployment ${older}: ignored, older than ${newer}`);
  heatLists(site, fresh);
  await site.pass();
  expect(site.signals()).toMatchObject([{ deploymentId: newer, accepted: true }]);
  expect(await statesOf(site)).toEqual({ [newer]: 'signalled' });
});

test('resumes a killed rotation when Heat lists it again after stale and empty answers', async () => {
  const site = await createSite(cloud);
  ask(site, 'one', SECOND);
  await site.pass();
  const stale = site.cluster.stack.deploymentsOn(site.server);
  const newer = ask(site, 'two', SECOND + 5000);
  const fresh = site.cluster.stack.deploymentsOn(site.server);
  // As a kill during issuing leaves it.
  const { ledger } = await site.start();
  const killed = deployment(
    { deploy_stack_id: 's', deploy_resource_name: 'r' },
    { id: newer, creation_time: fresh[0]?.creation_time },
  );
  await ledger.accept({ ...killed, resource: ledger.entries()[0]?.resource ?? '' });
  await ledger.start(newer);
  for (const answer of [stale, [], stale, []]) {
    heatLists(site, answer);
    expect(await site.pass()).toMatchObject({ settled: [] });
  }
  heatLists(site, fresh);
  expect(await site.pass()).toMatchObject({ settled: [{ id: newer, outcome: { statusCode: 0 } }] });
  expect(site.signals().at(-1)).toMatchObject({ deploymentId: newer, accepted: true });
});

// Heat writes creation_time to the second, and a roll-back may follow at once.
test.each([1, 2, 3, 4])(
  'treats the unfinished one of two deployments of the same second as newer (%i)',
  async () => {
    const site = await createSite(cloud);
    const first = ask(site, 'one', SECOND);
    site.node.units.breakUnit('kubelet', 'is masked');
    await site.pass();
    const resource = site.cluster.stack.resources.get(RESOURCE);
    const old = resource?.current?.deployment;
    site.node.units.mend('kubelet');
    const second = ask(site, 'two', SECOND);
    // Both are listed for a moment, as while a roll-back replaces the resource.
    const { deploymentsOn } = site.cluster.stack;
    site.cluster.stack.deploymentsOn = (server) => [...deploymentsOn(server), ...(old ? [old] : [])];
    await site.pass();
    expect(await statesOf(site)).toEqual({ [first]: 'signalled', [second]: 'signalled' });
  },
);

test("does not complete a deployment that arrives during a rotation by that rotation's result", async () => {
  let older: string | undefined;
  let newer: string | undefined;
  const site = await createSite(cloud, {
    instrument: {
      http: (real) => async (request) => {
        if (older !== undefined && request.url.endsWith('/certificates'))
          newer ??= ask(site, 'two', Date.now() + 60_000);
        return await real(request);
      },
    },
  });
  older = ask(site, 'one');
  await site.pass();
  expect(site.signals()).toEqual([]);
  expect(await statesOf(site)).toEqual({ [older]: 'superseded' });
  await site.pass();
  expect(site.signals()).toMatchObject([{ deploymentId: newer, accepted: true }]);
});
