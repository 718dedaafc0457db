import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isExcepted } from '../../../src/openstack/no-proxy.ts';

/** Checked with curl 7.88 too, except for ports, brackets, stars and IPv6, which curl supports less than Go. */
test.each([
  ['10.0.0.0/8', 'http://10.255.255.1:5000/v3', true],
  ['10.0.0.0/8', 'http://11.0.0.1/', false],
  ['127.0.0.1,192.168.0.0/16', 'https://192.168.7.9:8004', true],
  ['192.168.0.1/32', 'https://192.168.0.1', true],
  ['10.0.0.5', 'http://10.0.0.5:5000', true],
  ['10.0.0.5', 'http://10.0.0.50:5000', false],
  ['fd00::/8', 'http://[fd00::1]:5000/', true],
  ['fd00::/8', 'http://[fe80::1]:5000/', false],
  ['::1', 'http://[::1]:9/', true],
  ['[::1]', 'http://[::1]:9/', true],
  ['[::1]:9', 'http://[::1]:9/', true],
  ['[::1]:8', 'http://[::1]:9/', false],
  ['FD00:0::1', 'http://[fd00::1]/', true],
  ['cloud.example', 'https://cloud.example:5000', true],
  ['cloud.example', 'https://keystone.cloud.example:5000', true],
  ['.cloud.example', 'https://keystone.cloud.example:5000', true],
  ['*.cloud.example', 'https://keystone.cloud.example:5000', true],
  ['cloud.example', 'https://notcloud.example:5000', false],
  ['Cloud.Example.', 'https://KEYSTONE.cloud.example.:5000', true],
  ['cloud.example:5000', 'https://cloud.example:5000', true],
  ['cloud.example:5000', 'https://cloud.example:8004', false],
  ['cloud.example:443', 'https://cloud.example', true],
  ['cloud.example:80', 'ws://cloud.example', true],
  ['localhost, 127.0.0.1 ,\tcloud.example', 'https://cloud.example', true],
  ['one two', 'http://two', true],
  ['*', 'http://anything', true],
  ['', 'http://anything', false],
  [undefined, 'http://anything', false],
  ['10.0.0.0/33', 'http://10.0.0.1', false],
  ['10.0.0.0/8', 'http://10.example', false],
] as const)('NO_PROXY=%s and %s: %s', (list, url, isDirect) => {
  expect(isExcepted(new URL(url), list)).toBe(isDirect);
});

test('accepts any text', () => {
  const part = fc.oneof(
    fc.constantFrom('[', ']', ':', '/', '.', '*', ',', '10.0.0.1', '/99', '::', 'a'),
    fc.string(),
  );
  const list = fc.array(part).map((parts) => parts.join(''));
  fc.assert(
    fc.property(
      list,
      fc.constantFrom('http://10.0.0.1:1/', 'https://[::1]/', 'http://a.b/'),
      (entries, url) => {
        expect(typeof isExcepted(new URL(url), entries)).toBe('boolean');
      },
    ),
  );
});
