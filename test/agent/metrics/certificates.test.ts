import { createHash, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { lookAtCertificates, samplesOf, type Seen } from '../../../agent/metrics/certificates.ts';
import type { Observations } from '../../../agent/metrics/observations.ts';
import { createHands } from '../../fakes/hands.ts';
import { PARAMS } from '../../src/support/requests.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const HEAT_PARAMS = '/etc/sysconfig/heat-params';
const CA_FILE = '/etc/kubernetes/certs/ca.crt';
const KUBELET = '/etc/kubernetes/certs/kubelet.crt';

const generation = newGeneration();
/** As `sha256sum` of the DER. */
const markOf = (pem: string): string =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');

/** Makes a worker with these additional files, in place of its own ones where both exist. */
async function createWorker(files: Readonly<Record<string, string>> = {}) {
  const params = { ...PARAMS, NODEGROUP_ROLE: 'worker' };
  const text = Object.entries(params).map(([key, value]) => `${key}="${value}"\n`);
  const made = await createHands({ files: { [HEAT_PARAMS]: text.join('') } });
  await writeCertificates(nodeOf('worker'), made, generation);
  for (const [path, content] of Object.entries(files)) await made.write(path, content);
  return made;
}
async function look(files?: Readonly<Record<string, string>>): Promise<Seen> {
  const seen = await lookAtCertificates((await createWorker(files)).hands);
  if (!seen) throw new Error('the node is set up');
  return seen;
}
const observed = (authorities: Observations['authorities'] = {}): Observations => ({
  trust: {},
  authorities,
});

test('has nothing to say of a node that is not set up yet', async () => {
  const { hands } = await createHands();
  expect(await lookAtCertificates(hands)).toBeUndefined();
});

test('hides no fault of its own', async () => {
  const { hands } = await createWorker();
  const disk = { ...hands.disk, list: async () => await Promise.reject(new TypeError('a bug')) };
  await expect(lookAtCertificates({ ...hands, disk })).rejects.toBeInstanceOf(TypeError);
});

test('dates every certificate by its end, with its file, kind and fingerprint', async () => {
  const { expiries, phase } = await look();
  const ca = new X509Certificate(caOf(generation, 'kubernetes').pem);
  expect(expiries).toContainEqual({
    labels: { file: CA_FILE, kind: 'ca', fingerprint: markOf(ca.toString()) },
    value: Date.parse(ca.validTo) / 1000,
  });
  expect(expiries.map(({ labels }) => labels?.['file'])).toContain(KUBELET);
  expect(phase).toBe('none');
});

test('dates a copy of a certificate elsewhere', async () => {
  const { pem } = caOf(generation, 'kubernetes');
  const { expiries } = await look({ '/etc/kubernetes/copy.crt': pem });
  expect(expiries).toContainEqual({
    labels: { file: '/etc/kubernetes/copy.crt', kind: 'copy', fingerprint: markOf(pem) },
    value: Date.parse(new X509Certificate(pem).validTo) / 1000,
  });
});

test('counts the faults of each file, also none', async () => {
  const faultsOf = async (files?: Record<string, string>) =>
    (await look(files)).faults.find(({ labels }) => labels?.['file'] === KUBELET)?.value;
  expect(await faultsOf()).toBe(0);
  expect(await faultsOf({ [KUBELET]: 'junk' })).toBeGreaterThan(0);
});

test('names each CA of a file with several, which is the phase trust', async () => {
  const next = newGeneration();
  const both = [generation, next].map((one) => caOf(one, 'kubernetes').pem);
  const seen = await look({ [CA_FILE]: both.join('') });
  expect(seen.phase).toBe('trust');
  const { coe_agent_authority_info: info } = samplesOf(seen, observed());
  expect(info).toEqual(
    both.map((pem) => ({
      labels: {
        cluster: PARAMS.CLUSTER_UUID,
        ca: 'kubernetes',
        file: CA_FILE,
        fingerprint: markOf(pem),
      },
      value: 1,
    })),
  );
});

test('compares the CAs with those that Magnum served last', async () => {
  const seen = await look();
  const own = markOf(caOf(generation, 'kubernetes').pem);
  const isMagnums = (fingerprint: string) =>
    samplesOf(seen, observed({ kubernetes: { fingerprint, at: 7 } })).coe_agent_authority_is_magnums;
  const labels = { ca: 'kubernetes', file: CA_FILE };
  expect(isMagnums(own)).toEqual([{ labels, value: 1 }]);
  expect(isMagnums('another')).toEqual([{ labels, value: 0 }]);
});

test('says nothing of a comparison before Magnum was asked, or for a CA that the node does not have', async () => {
  const seen = await look();
  expect(samplesOf(seen, observed())).toMatchObject({
    coe_agent_authority_is_magnums: [],
    coe_agent_authority_seen_timestamp_seconds: [],
  });
  const etcd = samplesOf(seen, observed({ etcd: { fingerprint: 'x', at: 7 } }));
  expect(etcd).toMatchObject({
    coe_agent_authority_is_magnums: [],
    coe_agent_authority_seen_timestamp_seconds: [{ labels: { ca: 'etcd' }, value: 7 }],
  });
});
