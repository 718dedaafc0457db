import { expect, test } from 'vitest';
import { hostOf, hostPort } from '../../../src/base/address.ts';

test.each([
  ['10.0.0.5', '10.0.0.5:2379'],
  ['master-0.novalocal', 'master-0.novalocal:2379'],
  ['fd00::6', '[fd00::6]:2379'],
  ['::ffff:10.0.0.5', '[::ffff:10.0.0.5]:2379'],
])('appends a port to %s that a URL parses (RFC 3986)', (host, at) => {
  expect(hostPort(host, 2379)).toBe(at);
  expect(new URL(`https://${at}/`).port).toBe('2379');
});

test.each([
  ['https://10.0.0.5:2379/', '10.0.0.5'],
  ['https://master-0.novalocal/', 'master-0.novalocal'],
  ['https://[fd00::6]:2379/', 'fd00::6'],
])('reads from the URL %s the host %s', (url, host) => {
  expect(hostOf(new URL(url))).toBe(host);
});
