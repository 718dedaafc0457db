import { describe, expect, test } from 'vitest';
import { type CredentialFormat } from '../../../src/files/credential-grammars.ts';
import { groupsOf } from '../../../src/files/credential-document.ts';

const valuesIn = (text: string, format: CredentialFormat): Record<string, string | undefined>[] =>
  groupsOf(text, format).map((group) =>
    Object.fromEntries([...group].map(([key, { value }]) => [key, value])),
  );

test.each<CredentialFormat>(['shell', 'ini', 'yaml'])('reads an empty %s file as no group', (format) => {
  expect(groupsOf('', format)).toEqual([]);
  expect(groupsOf('\n# trust_id: a\n', format)).toEqual([]);
});

describe('a shell file', () => {
  test('is one group, in which the last of a repeated key takes precedence', () => {
    expect(valuesIn('TRUST_ID=a\nOTHER=b\nexport TRUST_ID="c"\nREGION_NAME=d', 'shell')).toEqual([
      { trust: 'c', region: 'd' },
    ]);
  });

  test('gives each value with its byte offsets', () => {
    const text = 'A=1\r\nTRUST_ID="x"\r\n';
    const [group] = groupsOf(text, 'shell');
    const entry = group?.get('trust');
    expect(entry).toMatchObject({ value: 'x', raw: '"x"', at: text.indexOf('"x"') });
    expect(entry?.line).toEqual({ at: 5, text: 'TRUST_ID="x"\r\n' });
  });
});

describe('an INI file', () => {
  test('has a group for each [global] section, and none for other sections', () => {
    const text =
      'trust-id=none\n[Global]\ntrust-id=a\n[LoadBalancer]\ntrust-id=no\n[ "global" ]\n[ GLOBAL ]\ntrust-id=b\n';
    expect(valuesIn(text, 'ini')).toEqual([{ trust: 'a' }, { trust: 'b' }]);
  });

  test('ends with its indentation when it is embedded in another file', () => {
    const text = 'data: |\n    [Global]\n    user-id=u\n\n    trust-id=a\nother:\n    region=no\n';
    expect(valuesIn(text, 'ini')).toEqual([{ user: 'u', trust: 'a' }]);
  });
});

describe('a YAML file', () => {
  test('has a group for each map', () => {
    const text = 'one:\n  trust_id: a\n  user-id: u\ntwo:\n  trustID: b\n---\ntrust_id: c\n';
    expect(valuesIn(text, 'yaml')).toEqual([{ trust: 'a', user: 'u' }, { trust: 'b' }, { trust: 'c' }]);
  });

  test('has a group for each item of a list', () => {
    const text = '- trust_id: a\n  region: r\n- trust_id: b\n';
    expect(valuesIn(text, 'yaml')).toEqual([{ trust: 'a', region: 'r' }, { trust: 'b' }]);
  });

  test('continues a map after a nested one', () => {
    expect(valuesIn('trust_id: a\ndeep:\n  trust_id: b\nregion: r\n', 'yaml')).toEqual([
      { trust: 'a', region: 'r' },
      { trust: 'b' },
    ]);
  });
});

test('lists a key with an unsupported value, without the value', () => {
  expect(valuesIn('TRUST_ID="open\n', 'shell')).toEqual([{ trust: undefined }]);
  expect(valuesIn(`TRUST_ID=${'x'.repeat(10_001)}\n`, 'shell')).toEqual([{ trust: undefined }]);
});
