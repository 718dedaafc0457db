import { expect, test } from 'vitest';
import { journalOf } from '../../../src/services/journalctl.ts';
import { programOf } from '../support/program.ts';

test('reads the last lines of a journal, and none without a journal', async () => {
  const { program, args } = await programOf(String.raw`printf 'one\ntwo\n'`);
  expect(await journalOf(program, 'etcd', 2)).toEqual(['one', 'two']);
  expect(await args()).toContain('--unit=etcd --lines=2');
  for (const script of ['exit 1', 'echo x; exit 1', 'exit 0'])
    expect(await journalOf((await programOf(script)).program, 'etcd', 2)).toEqual([]);
  expect(await journalOf('/nowhere/journalctl', 'etcd', 2)).toEqual([]);
});
