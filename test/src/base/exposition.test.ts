import { expect, test } from 'vitest';
import { assert, double, property, string } from 'fast-check';
import { formatGauge } from '../../../src/base/exposition.ts';
import { parsePrometheus } from '../support/prometheus.ts';

test('writes help, type and one line per series', () => {
  const samples = [{ labels: { file: '/a', kind: 'ca' }, value: 1.5 }, { value: 2 }];
  expect(formatGauge('coe_x_seconds', 'What it is', samples)).toBe(
    '# HELP coe_x_seconds What it is\n# TYPE coe_x_seconds gauge\ncoe_x_seconds{file="/a",kind="ca"} 1.5\ncoe_x_seconds 2\n',
  );
});

test('escapes label values and help texts', () => {
  const text = formatGauge('coe_x', 'one\\two\nthree', [{ labels: { path: 'a\\b"c\nd' }, value: 0 }]);
  expect(text).toBe(
    String.raw`# HELP coe_x one\\two\nthree` +
      '\n# TYPE coe_x gauge\n' +
      String.raw`coe_x{path="a\\b\"c\nd"} 0` +
      '\n',
  );
});

test('leaves out a gauge without a value, and writes a repeated series once', () => {
  expect(formatGauge('coe_x', 'What it is', [])).toBe('');
  const twice = [
    { labels: { a: '1' }, value: 1 },
    { labels: { a: '1' }, value: 2 },
  ];
  expect(parsePrometheus(formatGauge('coe_x', 'What it is', twice))).toEqual([
    { name: 'coe_x', labels: { a: '1' }, value: 2 },
  ]);
});

test('preserves any label value and any number', () => {
  assert(
    property(string({ unit: 'binary' }), double(), (path, value) => {
      const [series] = parsePrometheus(formatGauge('coe_x', 'What it is', [{ labels: { path }, value }]));
      expect(series?.labels).toEqual({ path });
      // The sign of a zero is lost, as in Go's formatting.
      expect(series?.value).toBe(value === 0 ? 0 : value);
    }),
    { numRuns: 50 },
  );
});
