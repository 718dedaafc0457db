import * as fc from 'fast-check';
import { BlockList, isIP } from 'node:net';
import { expect, test } from 'vitest';
import { addressBytes, factsOf, fill, firstAddress, keysOf } from '../../../src/certificates/template.ts';

const values = new Map([
  ['A', 'one'],
  ['EMPTY', ''],
  ['NESTED', '{A}'],
  ['DOLLAR', "$&$1$'"],
  ['V6', 'fd00:10::6'],
]);

test.each([
  ['{A}', 'one'],
  ['x{A}y{A}', 'xoneyone'],
  ['{NONE}', ''],
  ['{NONE|6443}', '6443'],
  ['{EMPTY|x y}', 'x y'],
  ['{A|x}', 'one'],
  ['{EMPTY|}', ''],
  ['{NESTED}', '{A}'],
  ['{DOLLAR}', "$&$1$'"],
  ['{}{ A}{1A}', '{}{ A}{1A}'],
  // RFC 3986, 3.2.2: an IPv6 address as a host is in brackets.
  ['https://{V6}:2379/health', 'https://[fd00:10::6]:2379/health'],
  ['https://{NONE|::1}:{NONE|6443}', 'https://[::1]:6443'],
  ['https://user@{V6}', 'https://user@[fd00:10::6]'],
  ['https://[{V6}]:2379/', 'https://[fd00:10::6]:2379/'],
  ['https://{A}/{V6}?ip={V6}', 'https://one/fd00:10::6?ip=fd00:10::6'],
  ['{V6}', 'fd00:10::6'],
])('fills %s once and literally', (text, filled) => {
  expect(fill(text, values)).toBe(filled);
});

test('keeps a text without placeholders unchanged, and inserts any value literally', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 1 }), (text, value) => {
      const plain = text.replaceAll('{', '(');
      expect(fill(plain, values)).toBe(plain);
      expect(fill(`${plain}{KEY}`, new Map([['KEY', value]]))).toBe(plain + value);
    }),
  );
});

test('lists the keys without a default', () => {
  expect(keysOf('{A}:{B|1}/{C}{A}')).toEqual(['A', 'C', 'A']);
});

test.each([
  ['10.254.0.0/16', '10.254.0.1'],
  ['10.254.7.9/16', '10.254.0.1'],
  ['172.30.128.0/17', '172.30.128.1'],
  ['192.168.1.77/30', '192.168.1.77'],
  ['fd00:10::/112', 'fd00:10::1'],
  ['2001:db8:0:0:ffff::7/64', '2001:db8::1'],
  ['0.0.0.0/0', '0.0.0.1'],
])('finds in %s the first address %s', (cidr, address) => {
  expect(firstAddress(cidr)).toBe(address);
});

test.each([
  '',
  '10.254.0.0',
  '10.254.0.0/33',
  '10.0.0.0/',
  '10.0.0/8',
  'x/8',
  '/8',
  '::/129',
  '10.0.0.0/-1',
  '10.0.0.0/8x',
])('rejects %j as a network', (cidr) => {
  expect(firstAddress(cidr)).toBeUndefined();
});

test.each(['255.255.255.255/32', '10.0.0.0/32', 'fd00::/128', 'fe80::1%eth0/64'])(
  'finds no first address in %s',
  (cidr) => {
    expect(firstAddress(cidr)).toBeUndefined();
  },
);

test('finds a first address within any network', () => {
  const network = fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 31 }), fc.constant('ipv4' as const)),
    fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 127 }), fc.constant('ipv6' as const)),
  );
  fc.assert(
    fc.property(network, ([address, prefix, family]) => {
      const first = firstAddress(`${address}/${prefix}`) ?? '';
      const list = new BlockList();
      list.addSubnet(address, prefix, family);
      expect(isIP(first)).toBe(family === 'ipv4' ? 4 : 6);
      expect(list.check(first, family)).toBe(true);
    }),
  );
});

test('classifies any text as an address or not', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), fc.integer({ min: -2, max: 140 }))
      .map(([a, p]) => `${a}/${p}`),
  );
  fc.assert(
    fc.property(text, (cidr) => {
      const first = firstAddress(cidr);
      if (first !== undefined) expect(isIP(first)).not.toBe(0);
    }),
  );
});

test.each([
  ['10.0.0.5', '0a000005'],
  ['::1', '00000000000000000000000000000001'],
  ['2001:DB8::ff', '20010db80000000000000000000000ff'],
  ['::ffff:1.2.3.4', '00000000000000000000ffff01020304'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
])('normalizes %s as a certificate stores it', (address, hex) => {
  expect(addressBytes(address).toString('hex')).toBe(hex);
});

test("gives a node its host name and the API service's address in addition to its parameters", () => {
  const facts = factsOf(new Map([['PORTAL_NETWORK_CIDR', '10.254.0.0/16']]), 'host-0');
  expect(Object.fromEntries(facts)).toMatchObject({ HOSTNAME: 'host-0', FIRST_SERVICE_IP: '10.254.0.1' });
  expect(factsOf(new Map(), 'h').get('FIRST_SERVICE_IP')).toBe('');
});
