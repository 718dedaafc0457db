import { expect, test } from 'vitest';
import { parseEnvironmentFile } from '../../../src/services/environment-file.ts';

/** The variables that systemd 252 gave a unit with `EnvironmentFile=` and each of these texts. */
test.each<[string, string, Record<string, string>]>([
  ['plain and quoted values', 'A=1\nB="x y"\nC=\'x "y"\'\n', { A: '1', B: 'x y', C: 'x "y"' }],
  ['an empty value', 'A=\nB=""\n', { A: '', B: '' }],
  ['the last of repeated names', 'KUBE_TAG="v1.20.2"\nKUBE_TAG="v1.21.0"\n', { KUBE_TAG: 'v1.21.0' }],
  ['no comment', '# A=1\n; B=2\n  # C=3\nD=4 # four\n', { D: '4 # four' }],
  ['no blanks around', '  A = 1 2  \n', { A: '1 2' }],
  ['quoted parts side by side', 'A="x"\'y\'z\n', { A: 'xyz' }],
  ['a value with several lines', 'A="x\ny"\nB=x\\\ny\n', { A: 'x\ny', B: 'xy' }],
  [
    'backslashes',
    String.raw`A=a\b` + '\n' + String.raw`B="a\n\"\\\$"` + '\n',
    { A: 'ab', B: String.raw`a\n"\$` },
  ],
  ['no line without a name', '=1\nA B=2\nC\nD=3', { D: '3' }],
])('reads %s', (_, text, values) => {
  expect(Object.fromEntries(parseEnvironmentFile(text))).toEqual(values);
});
