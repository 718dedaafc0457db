import { describe, expect, test } from 'vitest';
import { ownState, wordFor } from '../../../agent/peers/own-state.ts';
import { tempRoot } from '../../src/support/temp-root.ts';
import {
  caOf,
  type Generation,
  newGeneration,
  nodeOf,
  servedOf,
  writeCertificates,
} from '../support/node.ts';

const [former, served] = [newGeneration(), newGeneration()];
const node = nodeOf('master');

async function stateOf(signs: Generation, trusted: readonly Generation[], of = node) {
  const temp = await tempRoot();
  await writeCertificates(of, temp, signs, trusted);
  return await ownState(servedOf(of, served), of, temp);
}

describe('a node, compared with the served CAs,', () => {
  const behind = { trustsServed: false, trustsFormer: true, presentsServed: false };
  test.each([
    ['before a rotation', former, [former], behind],
    ['after "trust"', former, [former, served], { ...behind, trustsServed: true }],
    ['after "reissue"', served, [served, former], { ...behind, trustsServed: true, presentsServed: true }],
    ['after "retire"', served, [served], { trustsServed: true, trustsFormer: false, presentsServed: true }],
  ])('%s', async (_, signs, trusted, expected) => {
    expect(await stateOf(signs, trusted)).toEqual({ isMaster: true, ...expected });
    expect(await stateOf(signs, trusted, nodeOf('worker'))).toEqual({ isMaster: false, ...expected });
  });

  test('is as far as the last of its CAs and certificates', async () => {
    const temp = await tempRoot();
    await writeCertificates(node, temp, served);
    await temp.write('/etc/etcd/certs/ca.crt', caOf(former, 'etcd').pem);
    await temp.write('/etc/etcd/certs/server.crt', caOf(former, 'etcd').issue([['CN', 'etcd']]).cert);
    expect(await ownState(servedOf(node, served), node, temp)).toMatchObject({
      trustsServed: false,
      trustsFormer: true,
      presentsServed: false,
    });
  });

  test('may lack a certificate', async () => {
    const temp = await tempRoot();
    await writeCertificates(node, temp, served);
    await temp.disk.remove('/etc/kubernetes/certs/proxy.crt');
    expect(await ownState(servedOf(node, served), node, temp)).toMatchObject({ presentsServed: true });
  });
});

test('hashes the served CAs independently of their order', () => {
  const cas = servedOf(node, served);
  expect(wordFor(new Map([...cas].toReversed()))).toBe(wordFor(cas));
  expect(wordFor(servedOf(node, former))).not.toBe(wordFor(cas));
});
