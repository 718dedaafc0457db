import { describe, expect, test } from 'vitest';
import type { KubeconfigUser } from '../../../src/files/kubeconfig-contents.ts';
import { isBeside, judgePairs } from '../../../src/files/pairs.ts';
import { SMALL } from '../support/small-layout.ts';

const block = (label: string, name: string): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(name).toString('base64')}\n-----END ${label}-----\n`;
const [CERTIFICATE, KEY] = [block('CERTIFICATE', 'server'), block('PRIVATE KEY', 'server')];
const [FOREIGN_CERTIFICATE, FOREIGN_KEY] = [block('CERTIFICATE', 'foreign'), block('PRIVATE KEY', 'foreign')];
const CA = block('CERTIFICATE', 'ca');
const LOCKED = block('ENCRYPTED PRIVATE KEY', 'locked');

const identify = {
  nameOf: (pem: string) => (pem === CERTIFICATE || pem === KEY ? 'server' : undefined),
  isAuthority: (pem: string) => pem === CA,
};

function judge(
  pems: Record<string, string>,
  more: { users?: KubeconfigUser[]; ders?: Record<string, string> } = {},
) {
  const found = {
    pems: new Map(Object.entries(pems)),
    ders: new Map(Object.entries(more.ders ?? {})),
    users: more.users ?? [],
  };
  const { renewedIn, left } = judgePairs(found, SMALL, identify);
  const renewed = Object.keys(pems).filter((path) => renewedIn(path).has('server'));
  return { renewed, left: left.map(({ path }) => path) };
}

const user = (certificate: string | undefined, key: string | undefined): KubeconfigUser => ({
  path: '/etc/k/other.conf',
  certificate: certificate === undefined ? undefined : { file: certificate },
  key: key === undefined ? undefined : { file: key },
});

describe('copies of a certificate and of its key', () => {
  test.each<[string, Record<string, string>]>([
    ['in one file', { '/a.pem': CERTIFICATE + KEY }],
    ['in one file with a CA', { '/a.pem': CERTIFICATE + CA + KEY }],
    ['in two files with matching names', { '/a.crt': CERTIFICATE, '/a.key': KEY }],
    ["the certificate alone: its key is the layout's", { '/a.crt': CERTIFICATE }],
    ['the key alone', { '/a.key': KEY }],
  ])('are renewed: %s', (_, pems) => {
    expect(judge(pems)).toEqual({ renewed: Object.keys(pems), left: [] });
  });

  test.each<[string, Record<string, string>, string[]]>([
    ['beside the key of another in the same file', { '/a.pem': CERTIFICATE + FOREIGN_KEY }, ['/a.pem']],
    ['beside a key that cannot be read', { '/a.crt': CERTIFICATE, '/a.key': LOCKED }, ['/a.crt']],
    ['beside the certificate of another', { '/a.crt': FOREIGN_CERTIFICATE, '/a.key': KEY }, ['/a.key']],
  ])('stay and are reported: %s', (_, pems, left) => {
    expect(judge(pems)).toEqual({ renewed: [], left });
  });
});

describe('files that a kubeconfig names', () => {
  const pems = { '/x/cert.pem': CERTIFICATE, '/y/private.pem': KEY };

  test('are a pair whatever their names are, and whatever lies beside them', () => {
    const users = [user('/x/cert.pem', '/y/private.pem')];
    expect(judge({ ...pems, '/x/key.pem': FOREIGN_KEY }, { users })).toEqual({
      renewed: Object.keys(pems),
      left: [],
    });
  });

  test('stay if the other half belongs to another certificate', () => {
    const users = [user('/x/cert.pem', '/y/other.pem')];
    expect(judge({ ...pems, '/y/other.pem': FOREIGN_KEY }, { users })).toEqual({
      renewed: ['/y/private.pem'],
      left: ['/x/cert.pem'],
    });
  });
});

test("reports a kubeconfig that embeds a certificate with another certificate's key", () => {
  const odd: KubeconfigUser = {
    path: '/etc/k/odd.conf',
    certificate: { pem: CERTIFICATE },
    key: { pem: FOREIGN_KEY },
  };
  expect(judge({}, { users: [odd] }).left).toEqual(['/etc/k/odd.conf']);
  // The layout's own kubeconfigs are rendered anew.
  expect(judge({}, { users: [{ ...odd, path: '/etc/k/admin.conf' }] }).left).toEqual([]);
});

test('renews neither a DER file nor its other half', () => {
  expect(judge({ '/a.key': KEY }, { ders: { '/a.crt': CERTIFICATE } })).toEqual({
    renewed: [],
    left: ['/a.key', '/a.crt'],
  });
  expect(judge({}, { ders: { '/ca.der': CA } }).left).toEqual(['/ca.der']);
});

test.each([
  ['/d/tls.crt', '/d/tls.key', true],
  ['/d/cert.pem', '/d/key.pem', true],
  ['/d/ca.pem', '/d/ca-key.pem', true],
  ['/d/fullchain.pem', '/d/privkey.pem', true],
  ['/d/Front.CRT', '/d/front.key', true],
  ['/d/front.crt', '/e/front.key', false],
  ['/d/front.crt', '/d/back.key', false],
  ['/d/keystone.crt', '/d/stone.key', false],
])('pairs %s with %s: %s', (one, other, together) => {
  expect(isBeside(one, other)).toBe(together);
  expect(isBeside(other, one)).toBe(together);
});
