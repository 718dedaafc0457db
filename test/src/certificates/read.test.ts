import { createHash, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { keyUsageOf } from '../../../src/certificates/der.ts';
import { certificatesIn, fingerprint, keyId } from '../../../src/certificates/read.ts';
import { createCsr } from '../../../src/certificates/csr.ts';
import { keyToPem, makeKey } from '../../../src/certificates/key.ts';
import { recognizer } from '../../../src/certificates/recognize.ts';
import { isObject } from '../../../src/base/json.ts';
import { fixture, jsonObject, textIn } from '../support/fixtures.ts';
import { request } from '../support/requests.ts';
import { createCa, openssl } from '../support/openssl.ts';

const body = jsonObject(fixture('magnum-sign.json'))['body'];
const pem = isObject(body) ? textIn(body, 'pem') : '';

test('computes the fingerprint that openssl prints', async () => {
  const printed = await openssl(['x509', '-noout', '-fingerprint', '-sha256'], pem);
  const expected = printed.trim().replace(/^.*=/, '').replaceAll(':', '').toLowerCase();
  expect(fingerprint(new X509Certificate(pem))).toBe(expected);
});

test('identifies a key by its value', async () => {
  const certificate = new X509Certificate(pem);
  const der = await openssl(['x509', '-noout', '-pubkey'], pem);
  const spki = Buffer.from(der.replaceAll(/-----.*-----|\s/g, ''), 'base64');
  expect(keyId(certificate.publicKey)).toBe(createHash('sha256').update(spki).digest('hex'));
});

test('finds all certificates of a bundle, with text and Windows line ends between them', async () => {
  const [one, two] = await Promise.all([createCa('a'), createCa('b')]);
  const text = `# first\r\n${one.pem.replaceAll('\n', '\r\n')}\nBag Attributes\n${two.pem}${pem}`;
  expect(certificatesIn(text, 'x').map(({ subject }) => subject)).toEqual(['CN=a', 'CN=b', 'CN=etcd']);
  expect(certificatesIn('', 'x')).toEqual([]);
});

test('reads the key usage as openssl wrote it, and none if there is none', async () => {
  const ca = await createCa();
  // keyCertSign is bit 5 (RFC 5280, 4.2.1.3)
  expect(keyUsageOf(new X509Certificate(ca.pem).raw)).toBe(0b0000_0100);
  expect(keyUsageOf(new X509Certificate(pem).raw)).toBeUndefined();
});

test('recognizes a copy by its key: not another CA of the same name, but a renewal with the same key', async () => {
  const [old, fresh] = await Promise.all([createCa('k1'), createCa('k1')]);
  const key = await makeKey('ec-p256');
  const [leaf, renewed] = await Promise.all(
    [old, fresh].map(async (ca) => await ca.sign(createCsr(request(), key))),
  );
  const recognize = recognizer({ authorities: [['etcd', old.pem]], certificates: [['kubelet', leaf ?? '']] });
  expect(recognize(old.pem)).toEqual({ ca: 'etcd' });
  expect(recognize(fresh.pem)).toBeUndefined();
  expect(recognize(renewed ?? '')).toEqual({ name: 'kubelet' });
  expect(recognize(keyToPem(key))).toEqual({ name: 'kubelet' });
  expect(recognize(keyToPem(await makeKey('ec-p256')))).toBeUndefined();
  for (const junk of ['', 'junk', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----']) {
    expect(recognize(junk)).toBeUndefined();
    expect(recognizer({ authorities: [['etcd', junk]], certificates: [['x', junk]] })(junk)).toBeUndefined();
  }
});
