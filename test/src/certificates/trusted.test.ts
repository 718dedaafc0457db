import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCsr } from '../../../src/certificates/csr.ts';
import { makeKey } from '../../../src/certificates/key.ts';
import { trustedIn } from '../../../src/certificates/trusted.ts';
import { createCa, openssl, type TestCa } from '../support/openssl.ts';

/** Makes CAs of one cluster, all with the same name. */
const make = async (count: number): Promise<(index: number) => TestCa> => {
  const cas = await Promise.all(Array.from({ length: count }, async () => await createCa('k1')));
  return (index) => {
    const [one] = cas.slice(index);
    if (!one) throw new Error(`no CA ${index}`);
    return one;
  };
};

const idsIn = (text: string): string[] =>
  (text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? []).map(
    (pem) => new X509Certificate(pem).fingerprint256,
  );
const ids = (...some: TestCa[]): string[] => idsIn(some.map(({ pem }) => pem).join(''));
async function verifies(bundle: string, by: TestCa): Promise<boolean> {
  const key = await makeKey('ec-p256');
  const request = { name: 'x', ca: 'kubernetes', subject: [['CN', 'x']], names: [] } as const;
  const csr = createCsr({ ...request, keyUsage: [], extendedKeyUsage: [] }, key);
  // As Magnum signs: the leaf does not name its issuer's key.
  const bare = ['authorityKeyIdentifier=none', 'subjectKeyIdentifier=none'];
  const folder = await mkdtemp(join(tmpdir(), 'coe-trusted-'));
  try {
    await writeFile(join(folder, 'bundle'), bundle);
    await writeFile(join(folder, 'leaf'), await by.sign(csr, bare));
    const said = await openssl(['verify', '-CAfile', join(folder, 'bundle'), join(folder, 'leaf')]).catch(
      String,
    );
    return said.trim().endsWith('OK');
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('trust: appends the new CA, and OpenSSL accepts the current certificates', async () => {
  const ca = await make(2);
  const bundle = trustedIn('trust', ca(0).pem, ca(1).pem);
  expect(idsIn(bundle)).toEqual(ids(ca(0), ca(1)));
  expect(await verifies(bundle, ca(0))).toBe(true);
  // Why the order matters: OpenSSL tries only the first CA of a name.
  expect(await verifies(bundle, ca(1))).toBe(false);
});

test('reissue: puts the new CA first, and OpenSSL accepts the certificates that it has signed', async () => {
  const ca = await make(2);
  const bundle = trustedIn('reissue', trustedIn('trust', ca(0).pem, ca(1).pem), ca(1).pem);
  expect(idsIn(bundle)).toEqual(ids(ca(1), ca(0)));
  expect(await verifies(bundle, ca(1))).toBe(true);
});

test.each(['all', 'retire'] as const)('%s: keeps only the new CA', async (phase) => {
  const ca = await make(2);
  expect(trustedIn(phase, ca(0).pem + ca(1).pem, ca(1).pem)).toBe(ca(1).pem);
});

test('keeps a correct file byte for byte', async () => {
  const ca = await make(2);
  const written = `# ours\r\n${ca(0).pem.replaceAll('\n', '\r\n')}${ca(1).pem}`;
  expect(trustedIn('trust', written, ca(1).pem)).toBe(written);
  expect(trustedIn('trust', '', ca(1).pem)).toBe(ca(1).pem);
});

test('keeps CAs unique in any order of events, and loses none before it is retired', async () => {
  const ca = await make(4);
  const index = fc.nat({ max: 3 });
  fc.assert(
    fc.property(
      fc.array(index, { maxLength: 6 }),
      fc.array(fc.tuple(fc.constantFrom('trust' as const, 'reissue' as const), index), { maxLength: 8 }),
      (start, steps) => {
        let text = start.map((one) => ca(one).pem).join('');
        for (const [phase, fresh] of steps) {
          const before = idsIn(text);
          const [own] = ids(ca(fresh));
          text = trustedIn(phase, text, ca(fresh).pem);
          const after = idsIn(text);
          expect(new Set(after)).toEqual(new Set([...before, own]));
          expect(after).toHaveLength(new Set(after).size);
          expect(after[0]).toBe(phase === 'reissue' ? own : (before[0] ?? own));
          expect(trustedIn(phase, text, ca(fresh).pem)).toBe(text);
        }
      },
    ),
  );
});
