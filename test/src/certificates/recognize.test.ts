import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { recognizer } from '../../../src/certificates/recognize.ts';
import { createCa } from '../support/openssl.ts';
import { leafOf } from '../support/tls-server.ts';

test('recognizes copies by their key, because names are the same in every generation', async () => {
  const [ca, former, other] = [await createCa(), await createCa(), await createCa()];
  const [server, renewed] = [await leafOf(ca), await leafOf(ca)];
  const recognize = recognizer({
    authorities: [['kubernetes', ca.pem + former.pem]],
    certificates: [
      ['server', server.certificate],
      ['missing', ''],
      ['broken', 'no PEM'],
    ],
  });
  expect(recognize(ca.pem)).toEqual({ ca: 'kubernetes' });
  expect(recognize(former.pem)).toEqual({ ca: 'kubernetes' });
  expect(recognize(ca.key)).toEqual({ ca: 'kubernetes' });
  expect(recognize(server.certificate)).toEqual({ name: 'server' });
  expect(recognize(server.key)).toEqual({ name: 'server' });
  for (const pem of [other.pem, other.key, renewed.certificate, renewed.key, '', 'no PEM'])
    expect(recognize(pem)).toBeUndefined();
});

test('does not recognize an unreadable key', async () => {
  const leaf = await leafOf(await createCa());
  const recognize = recognizer({ authorities: [], certificates: [['server', leaf.certificate]] });
  const locked = createPrivateKey(leaf.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'p',
  });
  expect(recognize(locked)).toBeUndefined();
  const bare = createPublicKey(leaf.key).export({ type: 'spki', format: 'pem' });
  expect(recognize(bare)).toBeUndefined();
});

test("recognizes a certificate with a CA's key as that CA", async () => {
  const ca = await createCa();
  const recognize = recognizer({ authorities: [['etcd', ca.pem]], certificates: [['self', ca.pem]] });
  expect(recognize(ca.pem)).toEqual({ ca: 'etcd' });
});
