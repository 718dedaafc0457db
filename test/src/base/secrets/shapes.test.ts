import { expect, test } from 'vitest';
import { apart, masked } from '../../../../src/base/secrets/mask.ts';
import { shapesIn } from '../../../../src/base/secrets/shapes.ts';

const redact = (text: string): string => masked(text, apart(shapesIn(text)));

const FERNET = `gAAAAABn${'Zx9_-'.repeat(34)}`;
test.each([
  [`${FERNET}== is a token`, '*** is a token'],
  [`x-auth-token=${FERNET}%3D%3D&`, 'x-auth-token=***&'],
  ["+ curl -H 'X-Auth-Token: 5f1c' u", "+ curl -H 'X-Auth-Token: ***' u"],
  ['< X-Subject-Token: 5f1c\r\n< Vary', '< X-Subject-Token: ***\r\n< Vary'],
  ["{'X-Service-Token': '5f1c'}", "{'X-Service-Token': '***'}"],
  ['{\\"x-auth-token\\": \\"5f1c\\"}', '{\\"x-auth-token\\": \\"***\\"}'],
  ['Authorization: Bearer 5f1c.x', 'Authorization: ***'],
  ["+ OS_TOKEN='5f1c'", "+ OS_TOKEN='***'"],
  ['openstack --os-token 5f1c server list', 'openstack --os-token *** server list'],
  ['eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0x.c2ln is a token', '*** is a token'],
  ['client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=', 'client-key-data: ***'],
])('recognizes a secret by its shape: %s', (text, clean) => {
  expect(redact(text)).toBe(clean);
});

test.each([
  'x-auth-token is missing',
  'the base64 LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg== of a certificate',
  'authorization-mode=Node,RBAC',
  'gAAAAA is the beginning of a token',
])('leaves ordinary text alone: %s', (text) => {
  expect(redact(text)).toBe(text);
});

test('recognizes private keys, whole or cut', () => {
  const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----';
  expect(redact(`before ${pem} after`)).toBe('before *** after');
  expect(redact(JSON.stringify({ a: pem, b: 1 }))).toBe('{"a":"***","b":1}');
  expect(redact('x -----BEGIN PRIVATE KEY-----\nMIIE')).toBe('x ***');
  expect(redact('-----BEGIN EC PRIVATE KEY-----\nMH\n-----END EC PRIVATE KEY-----|and the next')).toBe(
    '***|and the next',
  );
});

test('recognizes a key without its beginning, as at the start of a journal excerpt', () => {
  expect(redact('MIIE\nAAAA==\n-----END PRIVATE KEY-----\nnext')).toBe('***\nnext');
});

test('does not join a key without an end with the next key', () => {
  const [begin, end] = ['-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----'];
  expect(redact(`${begin}\nMIIE\nand a word: x\n${begin}\nMIIE\n${end}`)).toBe('***\nand a word: x\n***');
});

test('recognizes every one of several tokens in a line', () => {
  expect(redact(`${FERNET} ${FERNET}, X-Auth-Token: a, X-Auth-Token: b`)).toBe(
    '*** ***, X-Auth-Token: ***, X-Auth-Token: ***',
  );
});
