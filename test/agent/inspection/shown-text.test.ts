import { expect, test } from 'vitest';
import { newCertificate, newKey, shownLines } from '../../../agent/inspection/shown-text.ts';
import { fingerprint, oneCertificate } from '../../../src/certificates/read.ts';
import { createCa } from '../../src/support/openssl.ts';

const REQUEST = {
  name: 'server',
  ca: 'kubernetes',
  subject: [['CN', 'kubernetes']],
  names: ['10.0.0.5', 'kubernetes'],
  keyUsage: [],
  extendedKeyUsage: [],
} as const;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('a certificate is its subject and names, a key is a word', async () => {
  const { pem, key } = await createCa();
  const id = fingerprint(oneCertificate(pem, 'the CA')).slice(0, 16);
  expect(shownLines(`# ours\n${pem}${key}`, [])).toEqual([
    '# ours',
    `certificate ${id}`,
    'subject CN=k1',
    'private key',
  ]);
});

test('one that is not issued yet is what it will be for', () => {
  expect(shownLines(newCertificate('server') + newKey('server'), [REQUEST])).toEqual([
    'certificate (new)',
    'subject CN=kubernetes',
    'name 10.0.0.5',
    'name kubernetes',
    'private key (new)',
  ]);
});

test('a kubeconfig shows what it embeds, and no token, password or variable', async () => {
  const { pem, key } = await createCa();
  const id = fingerprint(oneCertificate(pem, 'the CA')).slice(0, 16);
  const text = `    server: https://10.0.0.5:6443
    certificate-authority-data: ${base64(pem)}
    client-certificate-data: "${base64(newCertificate('server'))}"
    client-key-data: ${base64(key)}
    client-key: /etc/k/key.pem
    token: geheim
    password: geheim
    - name: OS_PASSWORD
      value: geheim
    client-key-data: |
      ${base64('g'.repeat(60))}
    client-key-data: geheim
`;
  expect(shownLines(text, [REQUEST])).toEqual([
    '    server: https://10.0.0.5:6443',
    `    certificate-authority-data: certificate ${id}`,
    '    client-certificate-data: certificate (new)',
    '    client-key-data: private key',
    '    client-key: /etc/k/key.pem',
    '    token: (not shown)',
    '    password: (not shown)',
    '    - name: OS_PASSWORD',
    '      value: (not shown)',
    '    client-key-data: (not shown)',
    '(not shown)',
    '    client-key-data: (not shown)',
  ]);
});

test('of a damaged key nothing is shown', async () => {
  const { key } = await createCa();
  expect(shownLines(key.replace('-----BEGIN', '---BEGIN'), [], true)).not.toContainEqual(
    expect.not.stringMatching(/^\(not shown\)$/),
  );
});
