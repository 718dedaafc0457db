import { expect, test } from 'vitest';
import { lookAtLists } from '../../../agent/inspection/revocation-lists.ts';
import type { ListReader } from '../../../src/certificates/layout.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { createSigner, makeList, type Signer } from '../../src/support/crl.ts';
import { fileAt, SMALL } from '../../src/support/small-layout.ts';
import { nodeOf } from '../support/node.ts';

const DAY = 86_400_000;
const [CA, LIST] = ['/etc/k/ca.crt', '/etc/k/clients.crl'];
const signer = async (): Promise<Signer> =>
  await createSigner(['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'keyCertSign,cRLSign');
const [ca, another] = [await signer(), await signer()];

/** Inspects a node with one list, and returns verdict and reason. */
async function look(reader: ListReader, content: string | Buffer | undefined, isNamed = true) {
  const named = reader === 'etcd' ? `ETCD_CLIENT_CRL_FILE=${LIST}` : `ssl_crl ${LIST};`;
  const { hands, write } = await createHands({ files: { [CA]: ca.pem } });
  if (content !== undefined) await write(LIST, content);
  const node = nodeOf(
    'worker',
    {},
    { ...SMALL, revocationLists: [{ ca: 'kubernetes', file: fileAt(LIST), unit: 'api', reader }] },
  );
  const unitSettings = async () =>
    await Promise.resolve({
      text: isNamed ? named : '',
      commandLines: [],
      environment: '',
      environmentFiles: [],
    });
  const findings = await lookAtLists(node, { ...hands, unitSettings }, NEVER);
  return findings.map(({ id, of, verdict, reason }) => {
    expect({ id, of }).toEqual({ id: 'revocation-list', of: LIST });
    return [verdict, reason];
  });
}
const listOf = async (by: Signer, until: number): Promise<string> =>
  (await makeList(by, { number: 1, from: Date.now() - 20 * DAY, until: Date.now() + until })).pem;

test.each([
  [30 * DAY, ['good', undefined]],
  [6 * DAY, ['warning', 'ends-soon']],
])('a list of the present CA that ends in %i ms: %j', async (until, expected) => {
  expect(await look('openssl', await listOf(ca, until))).toEqual([expected]);
});

test('only a reader that verifies its list is shut out by an expired or foreign one', async () => {
  const expired = await listOf(ca, -DAY);
  expect(await look('openssl', expired)).toEqual([['bad', 'expired']]);
  expect(await look('etcd', expired)).toEqual([['warning', 'expired']]);
  const foreign = await listOf(another, 30 * DAY);
  expect(await look('openssl', foreign)).toEqual([['bad', 'wrong-issuer']]);
  expect(await look('etcd', foreign)).toEqual([['warning', 'wrong-issuer']]);
});

test('a damaged or missing list shuts every client out, if the unit reads it', async () => {
  expect(await look('etcd', 'junk')).toMatchObject([['bad', expect.any(String)]]);
  expect(await look('etcd', 'junk', false)).toMatchObject([['warning', expect.any(String)]]);
  expect(await look('etcd', undefined)).toEqual([['bad', 'missing']]);
  expect(await look('etcd', undefined, false)).toEqual([]);
});
