import { expect, test } from 'vitest';
import { withoutSlash } from '../../../src/base/url.ts';

test.each([
  ['http://k/v3/', 'http://k/v3'],
  ['http://k/v3///', 'http://k/v3'],
  ['http://k/v3', 'http://k/v3'],
  ['/', ''],
  ['', ''],
])('%j without trailing slashes is %j', (url, without) => {
  expect(withoutSlash(url)).toBe(without);
});
