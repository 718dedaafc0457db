import { expect, test } from 'vitest';
import type { Fault } from '../../../agent/inspection/fault.ts';
import type { Holding } from '../../../agent/inspection/inventory.ts';
import { lookAtHoldings, viAt } from '../../../agent/inspection/layout-files.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-29T00:00:00Z');
const FILE = '/etc/k/server.crt';

const holding = (faults: Fault[], days = 1000, file = FILE): Holding => ({
  file,
  kind: 'certificate',
  notAfter: new Date(NOW + days * DAY).toISOString(),
  fingerprint: undefined,
  certificates: [],
  faults,
});

test('is good without faults', () => {
  expect(lookAtHoldings([], NOW)).toMatchObject([{ id: 'certificate', verdict: 'good' }]);
  expect(lookAtHoldings([holding([]), { ...holding([]), notAfter: undefined }], NOW)).toMatchObject([
    { verdict: 'good' },
  ]);
});

test('names a file by its first fault, which a rotation mends', () => {
  const faults: Fault[] = [{ code: 'expired' }, { code: 'key-missing', path: '/etc/k/server.key' }];
  expect(lookAtHoldings([holding(faults), holding([], 1000, '/other')], NOW)).toMatchObject([
    { id: 'certificate', of: FILE, verdict: 'bad', reason: 'expired', isMended: true },
  ]);
});

test('a kubeconfig with invalid YAML is not mended, and is opened at its line', () => {
  const fault: Fault = { code: 'unreadable', why: 'line 7', line: 7 };
  const [finding] = lookAtHoldings([holding([{ code: 'differs', path: '/x' }, fault])], NOW);
  expect(finding).toMatchObject({ id: 'kubeconfig', of: FILE, reason: 'not-yaml', next: `vi +7 ${FILE}` });
  expect(finding?.isMended).toBeUndefined();
  const [other] = lookAtHoldings([holding([{ code: 'unreadable', why: 'no PEM' }])], NOW);
  expect(other).toMatchObject({ id: 'certificate', reason: 'unreadable', isMended: true });
});

test.each([
  [30, undefined],
  [29, 'warning'],
  [7, 'warning'],
  [6, 'bad'],
])('a certificate that ends in %i days: %s', (days, verdict) => {
  const [finding] = lookAtHoldings([holding([], days)], NOW);
  if (verdict === undefined) expect(finding?.verdict).toBe('good');
  else expect(finding).toMatchObject({ id: 'certificate', of: FILE, verdict, reason: 'ends-soon' });
});

test('opens an editor at a line, or at the start', () => {
  expect(viAt('/a b', 3)).toBe("vi +3 '/a b'");
  expect(viAt('/a', undefined)).toBe('vi /a');
});
