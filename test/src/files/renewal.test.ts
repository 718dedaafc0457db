import { describe, expect, test } from 'vitest';
import type { Recognized } from '../../../src/certificates/recognize.ts';
import { type Fresh, renewalOf } from '../../../src/files/renewal.ts';
import { thrownBy } from '../support/outcome-of.ts';

const pem = (label: string, body: string): string =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
const certificate = (body: string): string => pem('CERTIFICATE', body);
const key = (body: string): string => pem('PRIVATE KEY', body);

/** By its body: `ca` and `server` are of the node now. */
const recognize = (text: string): Recognized | undefined =>
  text.includes('\nca\n')
    ? { ca: 'kubernetes' }
    : text.includes('\nserver\n')
      ? { name: 'server' }
      : undefined;

const TRUSTED = certificate('ca') + certificate('next');
const FRESH: Fresh = {
  authorities: new Map([['kubernetes', certificate('next')]]),
  trusted: new Map([['kubernetes', TRUSTED]]),
  certificates: new Map([['server', { certificate: certificate('new'), key: key('new') }]]),
};

describe('in a rotation', () => {
  const renewal = renewalOf(FRESH, recognize);

  test('a CA gives way to all that is trusted, and to one alone where it signs', () => {
    expect(renewal.ca(certificate('ca'))).toBe(TRUSTED);
    expect(renewal.ca(certificate('next'))).toBe(TRUSTED);
    expect(renewal.ca(certificate('server'))).toBeUndefined();
    expect(renewal.signer(certificate('ca'))).toBe(certificate('next'));
  });

  test('the key of a CA is no copy of its certificate', () => {
    expect(renewal.ca(key('ca'))).toBeUndefined();
    expect([key('ca'), certificate('ca'), key('server')].map(renewal.isCaKey)).toEqual([true, false, false]);
  });

  test('a certificate and its key give way to the new pair', () => {
    expect([certificate('server'), key('server'), certificate('other')].map(renewal.nameOf)).toEqual([
      'server',
      'server',
      undefined,
    ]);
    expect(renewal.leaf('server')).toEqual({ certificate: certificate('new'), key: key('new') });
  });

  test('what the layout does not define is a fault of the layout', () => {
    expect(thrownBy(() => renewal.leaf('other'))).toMatchObject({ code: 'config' });
    expect(thrownBy(() => renewal.authority('etcd'))).toMatchObject({ code: 'config' });
    expect(thrownBy(() => renewal.signing('etcd'))).toMatchObject({ code: 'config' });
  });
});

test('in a phase of CAs alone no certificate is a copy of anything, and nobody signs with another CA', () => {
  const renewal = renewalOf({ ...FRESH, certificates: undefined }, recognize);
  expect(renewal.leavesStay).toBe(true);
  expect(renewal.nameOf(certificate('server'))).toBeUndefined();
  expect(renewal.signer(certificate('ca'))).toBeUndefined();
  expect(renewal.ca(certificate('ca'))).toBe(TRUSTED);
});
