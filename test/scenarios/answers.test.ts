import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { at, parseObject } from '../cloud/exchange.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import type { Fault } from '../cloud/faults.ts';
import { HEAT_ADDRESS, HEAT_METADATA, HEAT_RESOURCE } from './support/answers/heat.ts';
import { KEYSTONE } from './support/answers/keystone.ts';
import { MAGNUM_CA, MAGNUM_SIGN } from './support/answers/magnum.ts';
import type { Place, Row } from './support/answers/row.ts';
import { embeddedIn, isSignedBy, keyFits, certificateAt, type Files } from './support/certificates.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';

/**
 * The answer matrix: for each answer of each service, the agent's requests, its answer to Heat, and the files on disk.
 */
let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
  // Half of the maximum jitter, so that the number of tries is fixed.
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await cloud.close();
});

const TABLE: readonly (readonly [place: Place, service: string, rows: readonly Row[]])[] = [
  ['keystone', 'Keystone', KEYSTONE],
  ['magnum-ca', 'Magnum, asked for the CA', MAGNUM_CA],
  ['magnum-sign', 'Magnum, asked to sign', MAGNUM_SIGN],
  ['heat-metadata', 'Heat, asked for metadata', HEAT_METADATA],
  ['heat-resource', 'Heat, told by HEAT_SIGNAL', HEAT_RESOURCE],
  ['heat-address', 'Heat, told by CFN_SIGNAL', HEAT_ADDRESS],
];

/** The requests of each place. */
const PLACES: Record<Place, Pick<Fault, 'service' | 'method' | 'path'>> = {
  keystone: { service: 'keystone', method: 'POST' },
  'magnum-ca': { service: 'magnum', method: 'GET' },
  'magnum-sign': { service: 'magnum', method: 'POST' },
  'heat-metadata': { service: 'heat', method: 'GET' },
  'heat-resource': { service: 'heat', method: 'POST' },
  'heat-address': { service: 'cfn', method: 'POST' },
};

const URLS: Record<Place, RegExp> = {
  keystone: /auth\/tokens$/,
  'magnum-ca': /ca_cert_type=/,
  'magnum-sign': /certificates$/,
  'heat-metadata': /metadata$/,
  'heat-resource': /signal$/,
  'heat-address': /v1\/signal\//,
};

type Arranged = { site: Site; id: string; sent: { requests: number; csrs: Set<unknown> } };

/** Makes a node with a requested rotation, which records each request to the place and every CSR. */
async function arrange(place: Place, row: Row): Promise<Arranged> {
  const sent = { requests: 0, csrs: new Set<unknown>() };
  // With a failing Keystone or token, a node could not read its deployment from Heat.
  const byFile = place !== 'heat-metadata' && place !== 'heat-resource';
  const site = await createSite(cloud, {
    layout: 'kubernetes-pki',
    server: { signalTransport: place === 'heat-resource' ? 'HEAT_SIGNAL' : 'CFN_SIGNAL' },
    config: {
      ...(byFile ? { collectors: ['local'] } : {}),
      cloud: { deadline_seconds: row.deadline ?? 5, patience_seconds: row.patience ?? 2 },
    },
    instrument: {
      http: (real) => async (request) => {
        if (URLS[place].test(request.url)) sent.requests += 1;
        if (request.url.endsWith('/certificates')) sent.csrs.add(at(parseObject(request.body ?? ''), 'csr'));
        return await real(request);
      },
    },
  });
  sent.csrs.clear();
  sent.requests = 0;
  site.cluster.stack.update(PARAMETERS);
  const deployments = site.cluster.stack.deploymentsOn(site.server);
  if (byFile)
    await site.node.write('/var/lib/os-collect-config/local-data/it.json', JSON.stringify({ deployments }));
  return { site, sent, id: deployments[0]?.id ?? '' };
}

/** Any value makes a new deployment; a worker uses no service-account keys. */
const PARAMETERS = { kube_service_account_key: 'changed' };

const MANAGED = [
  '/etc/kubernetes/pki/ca.crt',
  '/etc/kubernetes/pki/server.crt',
  '/etc/kubernetes/pki/server.key',
  '/etc/kubernetes/kubelet.conf',
] as const;

/** Returns `old` or `new` for a consistent set, or the fault of an inconsistent one. */
function setOf(before: Files, after: Files, ca: string): string {
  if (MANAGED.every((path) => before.get(path)?.content === after.get(path)?.content)) return 'old';
  if (before.get(MANAGED[2])?.content === after.get(MANAGED[2])?.content)
    return 'half: the key is the old one';
  const embedded = embeddedIn(after.get(MANAGED[3])?.content ?? '');
  if (!keyFits(after, '/etc/kubernetes/pki/server')) return 'half: the key does not fit';
  if (!isSignedBy(certificateAt(after, MANAGED[1]), ca)) return 'not signed by the CA';
  if (embedded.key !== after.get(MANAGED[2])?.content) return 'half: the kubeconfig has another key';
  if (embedded.certificate !== after.get(MANAGED[1])?.content) return 'half: the kubeconfig has another leaf';
  return 'new';
}

const stateOf = async (site: Site, id: string): Promise<string | undefined> =>
  (await site.ledger()).find((entry) => entry.id === id)?.state;

const CASES = TABLE.map(([place, service, rows]) => [service, place, rows] as const);

describe.each(CASES)('%s', (_, place, rows) => {
  test.each(rows.map((row) => [row.answer, row] as const))('%s', async (_name, row) => {
    const { site, sent, id } = await arrange(place, row);
    const before = await site.files();
    const { effect, times } = row;
    cloud.fault({
      ...PLACES[place],
      ...(times === undefined ? {} : { times }),
      effect: typeof effect === 'function' ? effect(site) : effect,
    });
    onTestFinished(cloud.clearFaults);
    await site.pass();
    expect(sent.requests, 'requests').toBe(row.requests);
    if (row.waits !== undefined) expect(site.clock.sleeps).toContain(row.waits * 1000);

    const set = setOf(before, await site.files(), site.cluster.ca.kubernetes);
    expect(set).toBe(row.comes === 'success' || row.comes === 'unacknowledged' ? 'new' : 'old');
    const state = await stateOf(site, id);
    if (row.comes === 'nothing') expect(state).toBeUndefined();
    else expect(state).toBe(row.comes === 'unacknowledged' ? 'finished' : 'signalled');
    // A CSR is sent again, never made anew.
    expect(sent.csrs.size).toBeLessThanOrEqual(1);

    cloud.clearFaults();
    const restarts = site.restarts().length;
    await site.pass();
    expect(await stateOf(site, id)).toBe('signalled');
    if (row.comes !== 'nothing') expect(site.restarts()).toHaveLength(restarts);
    const accepted = site.signals().filter((signal) => signal.accepted);
    expect(accepted).toHaveLength(1);
    const error = typeof row.comes === 'object' ? row.comes : undefined;
    expect(accepted[0]?.body).toMatchObject({ deploy_status_code: error ? 1 : 0 });
    expect(await lastError(site)).toEqual(error);
  });
});
