import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { ownApiOf, withOwnApi } from '../../../agent/rotation/own-api.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { PARAMS } from '../../src/support/requests.ts';
import { tempRoot } from '../../src/support/temp-root.ts';
import { networkOf } from '../support/network.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const master = nodeOf('master');
const SERVER = '/etc/kubernetes/certs/server.crt';
const OWN = {
  host: '127.0.0.1',
  port: 6443,
  leaf: SERVER,
  ca: '/etc/kubernetes/certs/ca.crt',
  holder: PARAMS.INSTANCE_NAME,
};

test("is the API server of the layout, at its unit's own address", () => {
  expect(ownApiOf([], master)).toMatchObject(OWN);
  const plan: UnitPlan = {
    name: 'kube-apiserver',
    required: true,
    deadlineMs: 1,
    settleMs: 0,
    probe: { host: '10.0.0.5', port: 7443, file: SERVER },
  };
  expect(ownApiOf([plan], master)).toMatchObject({ ...OWN, host: '10.0.0.5', port: 7443 });
});

test.each([
  ['a worker', nodeOf('worker')],
  [
    'a layout whose API server has no health check with a certificate',
    nodeOf(
      'master',
      {},
      {
        units: master.layout.units.map((row) =>
          row.isKubernetesApi === true && row.health ? { ...row, health: { url: row.health.url } } : row,
        ),
      },
    ),
  ],
  [
    'a layout with its CA only in a file for one CA',
    nodeOf('master', {}, { authorities: master.layout.authorities.map((row) => ({ ...row, single: true })) }),
  ],
])('%s has none', (_, node) => {
  expect(ownApiOf([], node)).toBeUndefined();
});

test('opens it with the present identity, expects the present certificate, and closes it after a failure too', async () => {
  const at = ownApiOf([], master);
  if (!at) throw new Error('a master has an API server');
  const { disk, write, read } = await tempRoot();
  const [served, former] = [newGeneration(), newGeneration()];
  await writeCertificates(master, { write }, served);
  const network = networkOf({});
  const hands = { disk, secrets: createSecrets(), ...network };
  const leaf = new X509Certificate(await read(SERVER));
  await expect(
    withOwnApi(at, hands, async () => await Promise.reject(new Error('of the work'))),
  ).rejects.toThrow('of the work');
  expect(network.open()).toBe(0);
  expect(network.opened).toMatchObject([
    { host: '127.0.0.1', port: 6443, presents: leaf.fingerprint256, ca: await read(OWN.ca) },
  ]);
  const key = await read(at.identity.key);
  expect(hands.secrets.redact(key.split('\n')[1] ?? '')).toBe('***');

  await writeCertificates(master, { write }, served, [former]);
  expect(await faultIn(withOwnApi(at, hands, async () => await Promise.resolve()))).toMatchObject({
    code: 'bad-certificate',
  });
  expect(network.opened).toHaveLength(1);
});
