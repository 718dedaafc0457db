import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blocksIn, renewPem } from '../../../src/files/pem-copies.ts';

const block = (label: string, name: string): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(name).toString('base64')}\n-----END ${label}-----\n`;
const certificate = (name: string): string => block('CERTIFICATE', name);
const key = (name: string): string => block('PRIVATE KEY', name);

const [OLD_CA, FRESH_CA] = [certificate('old CA'), certificate('fresh CA')];
const LEAVES = new Map([
  [certificate('old server'), 'server'],
  [key('old server'), 'server'],
  [certificate('old admin'), 'admin'],
]);
const RENEWAL = {
  ca: (pem: string) => (pem === OLD_CA || pem === FRESH_CA ? FRESH_CA : undefined),
  nameOf: (pem: string) => LEAVES.get(pem),
  leaf: (name: string) => ({ certificate: certificate(`new ${name}`), key: key(`new ${name}`) }),
};
const SERVER = new Set(['server']);

const renew = (text: string): string => renewPem(text, RENEWAL, SERVER);

const indent = (pem: string): string => pem.replaceAll(/^(?=.)/gm, '    ');

describe('a PEM file', () => {
  test.each([
    ['a CA', OLD_CA, FRESH_CA],
    ['a CA of either generation, once', OLD_CA + FRESH_CA + OLD_CA, FRESH_CA],
    [
      'a certificate and its key',
      [...LEAVES.keys()].slice(0, 2).join(''),
      certificate('new server') + key('new server'),
    ],
  ])('gets new material in place of %s', (_, before, after) => {
    expect(renew(before)).toBe(after);
  });

  test.each([
    ['is already right', FRESH_CA],
    ['contains a certificate that is not renewed here', certificate('old admin')],
    ['contains foreign certificates', `text\r\n${certificate('another')} # x`],
    ['contains a block without its end', OLD_CA.slice(0, -10)],
    ['is empty', ''],
  ])('that %s stays unchanged', (_, text) => {
    expect(renew(text)).toBe(text);
  });

  test('keeps the column of a block in YAML', () => {
    expect(renew(`ca: |\n${indent(OLD_CA)}next: 1\n`)).toBe(`ca: |\n${indent(FRESH_CA)}next: 1\n`);
  });
});

const BLOCKS = [OLD_CA, FRESH_CA, OLD_CA.trimEnd(), certificate('another'), key('another'), ...LEAVES.keys()];
const PIECES = [...BLOCKS, '\n', '\r\n', ' ', '# text\n', 'text', '\0\u00E9'];
const without = (text: string): string =>
  text.replaceAll(/-----BEGIN [A-Z ]+-----[^-]*-----END [A-Z ]+-----/g, '').replaceAll(/\s/g, '');

test('changes nothing but copies in any text, and nothing the second time', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 10 }), (pieces) => {
      const before = pieces.join('');
      const after = renew(before);
      expect(renew(after)).toBe(after);
      expect(without(after)).toBe(without(before));
      const [had, has] = [blocksIn(before), blocksIn(after)];
      expect(has.filter((pem) => pem === FRESH_CA)).toHaveLength(had.some(RENEWAL.ca) ? 1 : 0);
      expect(has.filter((pem) => pem !== FRESH_CA)).toEqual(
        had
          .filter((pem) => RENEWAL.ca(pem) === undefined)
          .map((pem) => (LEAVES.get(pem) === 'server' ? pem.replace(/\n.*\n/, newBody) : pem)),
      );
    }),
  );
});

const newBody = `\n${Buffer.from('new server').toString('base64')}\n`;
