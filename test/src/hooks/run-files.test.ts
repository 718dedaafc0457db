import * as v from 'valibot';
import { expect, test } from 'vitest';
import { Claim, filesOf, Order } from '../../../src/hooks/run-files.ts';
import { ORDER } from '../../agent/support/script-run.ts';

test('reads an order that an earlier version has written', () => {
  const { secrets: _, ...earlier } = ORDER;
  expect(v.parse(Order, earlier)).toEqual({ ...earlier, secrets: [] });
});

test('a claim is either of the supervisor, with its process, or of the agent', () => {
  const supervisor = { pid: 1, startedAt: '2', boot: '3' };
  expect(v.is(Claim, { by: 'supervisor', supervisor })).toBe(true);
  expect(v.is(Claim, { by: 'agent' })).toBe(true);
  expect(v.is(Claim, { by: 'supervisor' })).toBe(false);
});

test('every file of a run has its own name in the directory of the run', () => {
  const paths = Object.values(filesOf('/runs/a'));
  expect(new Set(paths).size).toBe(paths.length);
  expect(paths.filter((path) => !path.startsWith('/runs/a/'))).toEqual([]);
});
