import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  given,
  isFalse,
  isTrue,
  parseHeatParams,
  requireParams,
  unclosedQuotesIn,
} from '../../../src/metadata/heat-params.ts';
import { thrownBy } from '../support/outcome-of.ts';

const parse = (text: string): Record<string, string> => Object.fromEntries(parseHeatParams(text));

test("reads a file as Magnum's here-document writes it", () => {
  const text = `INSTANCE_NAME="k8s-master-0"
KUBE_NODE_IP=""
KUBE_API_PORT="6443"
TRUSTEE_PASSWORD="a b=c#d;e'f$g\`h\\i"
KUBE_SERVICE_ACCOUNT_KEY="-----BEGIN PUBLIC KEY-----\\nMIIB\\n-----END PUBLIC KEY-----\\n"
`;
  expect(parse(text)).toEqual({
    INSTANCE_NAME: 'k8s-master-0',
    KUBE_NODE_IP: '',
    KUBE_API_PORT: '6443',
    TRUSTEE_PASSWORD: "a b=c#d;e'f$g`h\\i",
    KUBE_SERVICE_ACCOUNT_KEY: String.raw`-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n`,
  });
});

test('executes and expands nothing in a value', () => {
  expect(parse('A="$(touch /tmp/x)"\nB="`id`"\nC="$A"\nD="${A:-x}"')).toEqual({
    A: '$(touch /tmp/x)',
    B: '`id`',
    C: '$A',
    D: '${A:-x}',
  });
});

test('reads unquoted, single-quoted, exported and CRLF lines; the last of a repeated key wins', () => {
  expect(parse(`A=1\r\n  B='x y'  \r\nexport C="z"\nA=2\nD="half\nE=""x""`)).toEqual({
    A: '2',
    B: 'x y',
    C: 'z',
    D: '"half',
    E: '"x"',
  });
});

test('skips lines that are not parameters', () => {
  expect(parse('# A=1\n\n1A=x\nA B=c\n=x\nno line\n-A=1')).toEqual({});
});

test('reads back any value on one line', () => {
  const key = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,20}$/);
  const value = fc.string().filter((text) => !/[\r\n]/.test(text));
  fc.assert(
    fc.property(fc.dictionary(key, value), (params) => {
      const text = Object.entries(params)
        .map(([name, written]) => `${name}="${written}"\n`)
        .join('');
      expect(parse(text)).toEqual({ ...params });
    }),
  );
});

test('parses any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseHeatParams(text)));
});

test('treats an empty parameter as missing', () => {
  const params = parseHeatParams('A=""\nB="x"');
  expect(given(params, 'A')).toBeUndefined();
  expect(given(params, 'B')).toBe('x');
  expect(given(params, 'C')).toBeUndefined();
});

test('names every missing parameter at once, each one once', () => {
  const params = parseHeatParams('A=""\nB="x"');
  const error = thrownBy(() => {
    requireParams(params, ['A', 'B', 'C', 'A'], '/heat-params');
  });
  expect(error.code).toBe('bad-heat-params');
  expect(error.message.match(/\b[ABC]\b/g)).toEqual(['A', 'C']);
  expect(() => requireParams(params, ['B'], 'x')).not.toThrow();
});

test('accepts several spellings of true, and treats the rest as false', () => {
  for (const text of ['True', 'true', 'TRUE', 'yes', '1', 'on']) expect(isTrue(text)).toBe(true);
  for (const text of [undefined, '', 'False', 'false', '0', 'truely', 'no']) expect(isTrue(text)).toBe(false);
  for (const text of ['False', 'false', 'no', 'OFF', '0']) expect(isFalse(text)).toBe(true);
  // An empty or unknown VERIFY_CA must not switch verification off.
  for (const text of [undefined, '', 'True', 'falsehood', '1']) expect(isFalse(text)).toBe(false);
});

test.each([
  ['no closing quote', 'A="x"\nB="y\nC="z"\n', [{ line: 2, key: 'B' }]],
  ['a quote alone at the end', 'A="x"\n\nB=\'', [{ line: 3, key: 'B' }]],
  ['a quote closed on a later line, as a shell reads it', 'A="x\ny"\nB="z"\n', []],
  ['empty, commented and bare values', 'A=""\nB="x" # "\nC=y"\n# D="\n', []],
])('reads unclosed quotes: %s', (_, text, expected) => {
  expect(unclosedQuotesIn(text)).toEqual(expected);
});
