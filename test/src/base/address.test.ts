import { expect, test } from 'vitest';
import { hostPort } from '../../../src/base/address.ts';

test.each([
  ['10.0.0.5', '10.0.0.5:2379'],
  ['master-0.novalocal', 'master-0.novalocal:2379'],
  ['fd00::6', '[fd00::6]:2379'],
  ['::ffff:10.0.0.5', '[::ffff:10.0.0.5]:2379'],
])('gives %s a port that a URL can hold (RFC 3986)', (host, at) => {
  expect(hostPort(host, 2379)).toBe(at);
  expect(new URL(`https://${at}/`).port).toBe('2379');
});
