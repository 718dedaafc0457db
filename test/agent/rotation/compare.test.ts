import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { compare } from '../../../agent/rotation/compare.ts';
import type { Node } from '../../../agent/node.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { type TestHands, testHands } from '../support/hands.ts';
import {
  caOf,
  type Generation,
  newGeneration,
  nodeOf,
  servedOf,
  writeCertificates,
} from '../support/node.ts';

const [former, served] = [newGeneration(), newGeneration()];

const newPair = (): { publicKey: string; privateKey: string } =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

type Phase = 'trust' | 'reissue' | 'retire';

/** Makes a master with these certificates; `compare` compares it for a phase, after a rotation to `served`. */
async function master(signs: Generation, trusted: readonly Generation[] = [signs], node = nodeOf('master')) {
  const test = await testHands();
  await writeCertificates(node, test, signs, trusted);
  const ask = async (phase: Phase, serviceAccount?: ReturnType<typeof newPair>) =>
    await compare({ phase, fresh: servedOf(node, served), serviceAccount }, node, test.hands);
  return { ...test, ask };
}

const writePair = async (
  { write }: Pick<TestHands, 'write'>,
  { layout: { serviceAccount: row } }: Node,
  { publicKey, privateKey }: ReturnType<typeof newPair>,
): Promise<void> => {
  await write(row?.publicKeyFile.path ?? '', publicKey);
  await write(row?.privateKeyFile.path ?? '', privateKey);
};

const refused = (reason: string) => ({ code: 'precondition', reason });

test('accepts trust in any state', async () => {
  expect(await (await master(former)).ask('trust')).toBeUndefined();
  expect(await (await master(served)).ask('trust')).toBeUndefined();
});

describe('reissue', () => {
  test('is accepted once the node trusts the served CAs', async () => {
    expect(await (await master(former, [former, served])).ask('reissue')).toBeUndefined();
  });

  test('is rejected before that', async () => {
    expect(await faultIn((await master(former)).ask('reissue'))).toEqual(refused('trust-first'));
  });

  test('does nothing on a node with certificates of the served CAs', async () => {
    expect(await (await master(served, [former, served])).ask('reissue')).toBeTypeOf('string');
  });

  test('is accepted for token keys that do not sign yet', async () => {
    const { ask, write } = await master(served, [former, served]);
    const [old, fresh] = [newPair(), newPair()];
    await writePair({ write }, nodeOf('master'), old);
    expect(await ask('reissue', fresh)).toBeUndefined();
    expect(await ask('reissue', old)).toBeTypeOf('string');
  });
});

describe('retire', () => {
  test('is accepted once every certificate is of the served CAs', async () => {
    expect(await (await master(served, [former, served])).ask('retire')).toBeUndefined();
  });

  test('is rejected while one certificate is of a former CA', async () => {
    const { ask, write } = await master(served, [former, served]);
    await write('/etc/etcd/certs/server.crt', caOf(former, 'etcd').issue([['CN', 'etcd']]).cert);
    expect(await faultIn(ask('retire'))).toEqual(refused('reissue-first'));
  });

  test('is rejected while tokens are signed with another key', async () => {
    const { ask, write } = await master(served, [former, served]);
    const [old, fresh] = [newPair(), newPair()];
    await writePair({ write }, nodeOf('master'), old);
    expect(await faultIn(ask('retire', fresh))).toEqual(refused('reissue-first'));
    expect(await ask('retire', old)).toBeUndefined();
  });

  test('needs no token keys on a worker', async () => {
    expect(await (await master(served, [served], nodeOf('worker'))).ask('retire', newPair())).toBeUndefined();
  });
});

describe('trust, if kube-controller-manager signs with the CA,', () => {
  const CA = '/etc/kubernetes/certs/ca.crt';
  const KEY = '/etc/kubernetes/certs/ca.key';

  test('is rejected: its file must contain exactly one certificate', async () => {
    const { ask, write } = await master(former);
    await write(KEY, caOf(former, 'kubernetes').key);
    expect(await faultIn(ask('trust'))).toEqual(refused('signing-pair'));
  });

  test('is accepted if it has a file of its own, or gets one', async () => {
    const { ask, write } = await master(former);
    await write(KEY, caOf(former, 'kubernetes').key);
    const words = `--cluster-signing-cert-file=${CA} --cluster-signing-key-file=${KEY}`;
    await write('/etc/kubernetes/controller-manager', `KUBE_CONTROLLER_MANAGER_ARGS="${words}"\n`);
    expect(await ask('trust')).toBeUndefined();
  });

  test('is accepted beside a key of another CA', async () => {
    const { ask, write } = await master(former);
    await write(KEY, caOf(served, 'kubernetes').key);
    expect(await ask('trust')).toBeUndefined();
  });

  test('is accepted on a node that already trusts the served CA', async () => {
    const { ask, write } = await master(former, [former, served]);
    await write(KEY, caOf(former, 'kubernetes').key);
    expect(await ask('trust')).toBeUndefined();
  });
});
