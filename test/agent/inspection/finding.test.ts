import { describe, expect, test } from 'vitest';
import { type Finding, nextStepsOf, withNext } from '../../../agent/inspection/finding.ts';

const bad = (id: Finding['id'], next?: string): Finding => ({
  id,
  of: 'a b',
  verdict: 'bad',
  what: id,
  ...(next !== undefined && { next }),
});
const interrupted = bad('generation', 'agent run-once');

describe('withNext', () => {
  test.each<[string, Finding, readonly Finding[], string | undefined]>([
    ['the command of the check, its subject quoted', bad('unit'), [], "systemctl status 'a b'"],
    ['the command that the check prefers', bad('unit', 'vi x'), [], 'vi x'],
    ['none if all is well', { ...bad('unit'), verdict: 'good' }, [], undefined],
    [
      'that of an interrupted rotation, which is the cause',
      bad('certificate'),
      [interrupted],
      'agent run-once',
    ],
    ['its own, which the end of a rotation does not repair', bad('kubeconfig'), [interrupted], "vi 'a b'"],
    [
      'its own while a rotation makes progress',
      bad('presented'),
      [{ ...interrupted, verdict: 'warning' }],
      "agent restart --unit 'a b'",
    ],
  ])('%s', (_, finding, earlier, next) => {
    expect(withNext(finding, earlier).next).toBe(next);
  });
});

test('nextStepsOf lists each command once, and skips good and unknown findings', () => {
  const findings: Finding[] = [
    bad('authority', 'agent run-once'),
    bad('trust-roles'),
    { ...bad('daemon', 'systemctl start coe-agent'), verdict: 'warning' },
    bad('unit', 'vi b'),
    interrupted,
    bad('permissions', 'vi a'),
  ];
  expect(nextStepsOf(findings)).toEqual([
    { command: 'vi a', findings: ['permissions'] },
    { command: 'agent run-once', findings: ['generation', 'authority'] },
    { command: 'vi b', findings: ['unit'] },
  ]);
});
