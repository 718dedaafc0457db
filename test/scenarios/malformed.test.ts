import * as v from 'valibot';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { LEFT_OUT } from '../../src/base/bounded-json.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { isObject } from '../cloud/exchange.ts';
import { rewriteJson } from '../cloud/spoil.ts';
import { cli } from './support/cli.ts';
import { createSite, type Site } from './support/site.ts';

/** Malformed deployments for which Heat waits nevertheless. */

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(() => {
  cloud.clearFaults();
});
afterAll(async () => {
  await cloud.close();
});

type Fields = Record<string, unknown>;

/** Adds these fields to every deployment in Heat's metadata from now on. */
function spoil(changes: Fields | ((one: Fields) => Fields)): void {
  const change = rewriteJson(({ metadata }) => {
    const deployments = isObject(metadata) ? metadata['deployments'] : [];
    const spoilt = Array.isArray(deployments)
      ? deployments.filter(isObject).map((one) => ({
          ...one,
          ...(typeof changes === 'function' ? changes(one) : changes),
        }))
      : [];
    return { metadata: { deployments: spoilt } };
  });
  cloud.fault({ service: 'heat', method: 'GET', effect: { kind: 'transform', change } });
}

const said = (site: Site): unknown[] =>
  site
    .signals()
    .map(({ deploymentId, accepted, body }) => [
      deploymentId,
      accepted,
      body?.['deploy_status_code'],
      body?.['deploy_stderr'],
    ]);

test.each(['HEAT_SIGNAL', 'CFN_SIGNAL'] as const)(
  'answers one as failed, with the reason, once (%s)',
  async (signalTransport) => {
    const site = await createSite(cloud, { server: { signalTransport } });
    const before = await site.files();
    await cloud.rotateCa(site.cluster);
    const asked = site.cluster.stack.deploymentsOn(site.server)[0]?.id;
    spoil({ outputs: 'none' });
    expect(JSON.parse((await cli(site, ['plan', '--json'])).stdout)).toMatchObject({
      deployments: [{ id: asked, verdict: 'refused', code: 'bad-deployment' }],
    });
    const why = 'outputs: expected a list, found a text';
    expect(await site.pass()).toMatchObject({ problems: [], settled: [{ outcome: { statusCode: 1 } }] });
    expect(await site.pass()).toMatchObject({ problems: [], settled: [], open: [] });
    expect(said(site)).toEqual([[asked, true, 1, `deployment ${asked}: ${why}\n`]]);
    expect(await site.ledger()).toMatchObject([{ id: asked, state: 'signalled' }]);
    expect(await site.files()).toEqual(before);
  },
);

const MANY = Array.from({ length: 20_000 }, (_, index) => ({ name: `n${index}`, type: 'String', value: '' }));

test('answers one with too many inputs to read', async () => {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  const asked = site.cluster.stack.deploymentsOn(site.server)[0]?.id;
  spoil((one) => ({ inputs: [...MANY, ...v.parse(v.array(v.unknown()), one['inputs'])] }));
  expect(await site.pass()).toMatchObject({ problems: [], settled: [{ outcome: { statusCode: 1 } }] });
  expect(said(site)).toEqual([[asked, true, 1, `deployment ${asked}: ${LEFT_OUT}\n`]]);
});

const zeros = (lists: number, each: number): unknown[] =>
  Array.from({ length: lists }, () => Array.from({ length: each }, () => 0));

test.each([
  ['one input of 100 lists of 5000 numbers', { x: zeros(100, 5000) }],
  ['50 inputs of 5000 numbers', Object.fromEntries(Object.entries(zeros(50, 5000)))],
  ['2000 inputs of 110 numbers', Object.fromEntries(Object.entries(zeros(2000, 110)))],
])('rejects only the one with too many values, and answers it: %s', async (_, values) => {
  const site = await createSite(cloud);
  const inputs = Object.keys(values).map((name) => ({ name, type: 'Json' }));
  const odd = cloud.deploy(site.cluster, site.server, {
    name: '10_odd',
    inputs,
    values,
    config: '#!/bin/sh',
  });
  const good = cloud.deploy(site.cluster, site.server, { name: '20_good', config: '#!/bin/sh' });
  await site.pass();
  expect(
    site.signals().map(({ deploymentId, body }) => [deploymentId, body?.['deploy_status_code']]),
  ).toEqual([
    [odd.id, 1],
    [good.id, 0],
  ]);
});

test('leaves one of an unserved group alone', async () => {
  const site = await createSite(cloud);
  const { id } = cloud.deploy(site.cluster, site.server, { group: 'no-such-hook' });
  spoil({ outputs: 'none' });
  expect(await site.pass()).toMatchObject({ settled: [], unserved: [{ id, group: 'no-such-hook' }] });
  expect(said(site)).toEqual([]);
  expect(await site.ledger()).toEqual([]);
});

test.each([
  ['not a list', 'none'],
  ['a map beyond bounds', Object.fromEntries(MANY.map(({ name }) => [name, '']))],
])('only reports one without a usable address: its inputs are %s', async (_, inputs) => {
  const site = await createSite(cloud);
  cloud.deploy(site.cluster, site.server, { group: 'coe-rotate' });
  spoil({ inputs });
  expect(await site.pass()).toMatchObject({ settled: [], problems: [{ code: 'bad-deployment' }] });
  expect(said(site)).toEqual([]);
  expect(await site.ledger()).toEqual([]);
});

test('treats one as the newest of its resource: an older result is no longer sent', async () => {
  const site = await createSite(cloud);
  const ask = (reason: string, created: number): string =>
    cloud.deploy(site.cluster, site.server, {
      resource: 'by-hand',
      group: 'coe-rotate',
      inputs: [{ name: 'reason' }],
      values: { reason },
      created,
    }).id;
  const older = ask('one', Date.now());
  cloud.fault({ service: 'heat', method: 'POST', effect: { kind: 'answer', status: 503 } });
  await site.pass();
  cloud.clearFaults();
  const newer = ask('two', Date.now() + 60_000);
  spoil({ name: ['x'] });
  await site.pass();
  expect(said(site)).toMatchObject([[newer, true, 1, expect.stringContaining('name') as unknown]]);
  expect((await site.ledger()).map(({ id, state }) => [id, state])).toEqual([
    [older, 'superseded'],
    [newer, 'signalled'],
  ]);
});
