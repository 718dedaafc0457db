import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { secretsOfAddress, withoutQuery } from '../../../src/base/presigned.ts';
import { createSecrets } from '../../../src/base/secrets.ts';

test.each([
  ['http://a/b?c=d#e', 'http://a/b'],
  ['http://a/b#e?c', 'http://a/b'],
  ['https://user:password@a:8/b/c@d', 'https://a:8/b/c@d'],
  ['http://a/b', 'http://a/b'],
  ['no address', 'no address'],
])('shortens %s in a message to %s', (url, shown) => {
  expect(withoutQuery(url)).toBe(shown);
});

test('hides any query, and any signature in it', () => {
  const word = fc.string({ minLength: 6, unit: 'grapheme-ascii' });
  fc.assert(
    fc.property(word, word, (signature, other) => {
      const query = new URLSearchParams({ temp_url_sig: signature, other }).toString();
      const secrets = createSecrets();
      for (const secret of secretsOfAddress(`http://a/b?${query}`)) secrets.add(secret);
      expect(secrets.redact(`at http://a/b?${query}`)).toBe('at http://a/b?***');
      fc.pre(signature.trim().length >= 6);
      expect(secrets.redact(`sig ${signature}`)).not.toContain(signature.trim());
    }),
  );
  expect(secretsOfAddress('http://a/b')).toEqual([]);
});
