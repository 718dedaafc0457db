import { expect, test } from 'vitest';
import { hostnameIn } from '../../../src/metadata/hostname.ts';

/** As systemd reads /etc/hostname (hostname(5)). */
test.each([
  ['worker-3', 'worker-3'],
  ['worker-3\n', 'worker-3'],
  ['  worker-3 \r\nanother\n', 'worker-3'],
  ["# written by the site's configuration management\n\nworker-7\n", 'worker-7'],
  ['#worker-1\n  # worker-2\nworker-3', 'worker-3'],
  ['worker-3.prod.example.net.\n', 'worker-3.prod.example.net'],
  ['# nothing else\n', undefined],
  ['', undefined],
])('reads %j as %s', (text, name) => {
  expect(hostnameIn(text)).toBe(name);
});
