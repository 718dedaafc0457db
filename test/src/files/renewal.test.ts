import { describe, expect, test } from 'vitest';
import type { Recognized } from '../../../src/certificates/recognize.ts';
import { type Fresh, renewalOf } from '../../../src/files/renewal.ts';
import { thrownBy } from '../support/outcome-of.ts';

const pem = (label: string, body: string): string =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
const certificate = (body: string): string => pem('CERTIFICATE', body);
const key = (body: string): string => pem('PRIVATE KEY', body);

/** Recognizes by the body: `ca` and `server` are current on the node. */
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

  test('replaces a CA by all trusted ones, or by a single one where the file signs', () => {
    expect(renewal.ca(certificate('ca'))).toBe(TRUSTED);
    expect(renewal.ca(certificate('next'))).toBe(TRUSTED);
    expect(renewal.ca(certificate('server'))).toBeUndefined();
    expect(renewal.signer(certificate('ca'))).toBe(certificate('next'));
  });

  test("does not treat a CA's key as a copy of its certificate", () => {
    expect(renewal.ca(key('ca'))).toBeUndefined();
    expect([key('ca'), certificate('ca'), key('server')].map(renewal.isCaKey)).toEqual([true, false, false]);
  });

  test('replaces a certificate and its key by the new pair', () => {
    expect([certificate('server'), key('server'), certificate('other')].map(renewal.nameOf)).toEqual([
      'server',
      'server',
      undefined,
    ]);
    expect(renewal.leaf('server')).toEqual({ certificate: certificate('new'), key: key('new') });
  });

  test('reports an undefined row as a fault of the layout', () => {
    expect(thrownBy(() => renewal.leaf('other'))).toMatchObject({ code: 'config' });
    expect(thrownBy(() => renewal.authority('etcd'))).toMatchObject({ code: 'config' });
    expect(thrownBy(() => renewal.signing('etcd'))).toMatchObject({ code: 'config' });
  });
});

test('in a phase of CAs only, treats no certificate as a copy, and keeps the signing CA', () => {
  const renewal = renewalOf({ ...FRESH, certificates: undefined }, recognize);
  expect(renewal.leavesStay).toBe(true);
  expect(renewal.nameOf(certificate('server'))).toBeUndefined();
  expect(renewal.signer(certificate('ca'))).toBeUndefined();
  expect(renewal.ca(certificate('ca'))).toBe(TRUSTED);
});
