import { expect, test } from 'vitest';
import { hostOf, hostPort } from '../../../src/base/address.ts';

test.each([
  ['10.0.0.5', '10.0.0.5:2379'],
  ['master-0.novalocal', 'master-0.novalocal:2379'],
  ['fd00::6', '[fd00::6]:2379'],
  ['::ffff:10.0.0.5', '[::ffff:10.0.0.5]:2379'],
])('gives %s a port that a URL can hold (RFC 3986)', (host, at) => {
  expect(hostPort(host, 2379)).toBe(at);
  expect(new URL(`https://${at}/`).port).toBe('2379');
});

test.each([
  ['https://10.0.0.5:2379/', '10.0.0.5'],
  ['https://master-0.novalocal/', 'master-0.novalocal'],
  ['https://[fd00::6]:2379/', 'fd00::6'],
])('the host of %s is %s', (url, host) => {
  expect(hostOf(new URL(url))).toBe(host);
});
