import { expect, test } from 'vitest';
import { findDifferences, type Ports } from '../../../agent/upkeep/find-differences.ts';
import { readUpkeep, type UpkeepRecord } from '../../../agent/upkeep/record.ts';
import { certificatesIn, fingerprint } from '../../../src/certificates/read.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const CA = '/etc/kubernetes/certs/ca.crt';
const KUBELET = '/etc/kubernetes/certs/kubelet.crt';
const LOGIN = { since: 0, refusals: 0, roles: [] };
const cas = newGeneration();
const node = nodeOf('worker');
const presents = caOf(cas, 'kubernetes').issue([['CN', 'another']]).cert;

/** Looks at a worker, whose kubelet does not present the certificate of its file. */
async function look(ports: Ports, over: Partial<UpkeepRecord> = {}, share = 0) {
  const asked: string[] = [];
  const network = networkOf({
    '127.0.0.1:10250': { presents, ask: async () => await Promise.reject(new Error()) },
  });
  const { hands, write, clock } = await testHands({
    presented: async (host, port, abort) => {
      asked.push(`${host}:${port}`);
      return await network.presented(host, port, abort);
    },
  });
  await writeCertificates(node, { write }, cas);
  const record = { ...(await readUpkeep(hands)), ...over };
  const found = await findDifferences(node, record, { share, ports }, hands, NEVER);
  return {
    asked,
    clock,
    leaves: found.leaves.map(({ file }) => file),
    has: (code: string) => found.differences.filter((one) => one.code === code).map(({ of }) => of),
  };
}

test('connects to the ports only if it is asked to', async () => {
  const quick = await look(false);
  expect([quick.asked, quick.has('presents-another')]).toEqual([[], []]);
  expect(quick.leaves).toContain(KUBELET);
  const whole = await look(true);
  expect([whole.asked, whole.has('presents-another')]).toEqual([['127.0.0.1:10250'], ['kubelet']]);
});

test('takes certificates that the ports have just presented', async () => {
  const seen = new Map([[KUBELET, { unit: 'kubelet', where: '127.0.0.1:10250', presents: true }]]);
  const { asked, has } = await look(seen);
  expect([asked, has('presents-another')]).toEqual([[], []]);
});

test('compares with the CA that Magnum has served last', async () => {
  const [own] = certificatesIn(caOf(cas, 'kubernetes').pem, 'the CA');
  const mark = own && fingerprint(own);
  expect((await look(false, { served: { kubernetes: mark } })).has('authority-differs')).toEqual([]);
  const { has } = await look(false, { served: { kubernetes: 'another' } });
  expect([has('authority-differs'), has('former-signer').includes(KUBELET)]).toEqual([[CA], true]);
});

test('reports a login only while it is refused', async () => {
  const why = 'the trust is gone';
  const accepted = await look(false, { login: { ...LOGIN, why } });
  expect(accepted.has('login-refused')).toEqual([]);
  const refused = await look(false, { login: { ...LOGIN, refusals: 1, why } });
  expect(refused.has('login-refused')).toEqual(['trust']);
});
