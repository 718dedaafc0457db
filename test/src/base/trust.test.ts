import { chmod } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readTrusted, requireProgram, trustFault } from '../../../src/base/trust.ts';
import { faultIn } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

const SELF = 1000;

test.each([
  [{ uid: 0, mode: 0o100644 }, true],
  [{ uid: SELF, mode: 0o100600 }, true],
  [{ uid: 1001, mode: 0o100600 }, false],
  [{ uid: 0, mode: 0o100664 }, false],
  [{ uid: 0, mode: 0o100602 }, false],
  [{ uid: 0, mode: 0o041777 }, false],
])('%j is trusted: %s', (info, is) => {
  expect(trustFault(info, SELF) === undefined).toBe(is);
});

test('reads a trusted file, and a missing one as undefined', async () => {
  const { disk, write } = await tempRoot();
  await write('/etc/a', 'text');
  expect(await readTrusted(disk, '/etc/a', 'config')).toBe('text');
  expect(await readTrusted(disk, '/etc/b', 'config')).toBeUndefined();
});

test.each(['/etc/a', '/etc'])(
  'rejects a file if others can write %s, with the code of the caller',
  async (path) => {
    const { disk, write, at } = await tempRoot();
    await write('/etc/a', 'text');
    await chmod(at(path), 0o777);
    const fault = { code: 'bad-heat-params', reason: 'untrusted-file' };
    expect(await faultIn(readTrusted(disk, '/etc/a', 'bad-heat-params'))).toEqual(fault);
  },
);

test.each([
  ['a program of root', 0o755, undefined],
  ['a program that others can write', 0o777, 'hook-untrusted'],
  ['a file without the right to execute', 0o644, 'hook-not-executable'],
])('runs or rejects %s', async (_, mode, reason) => {
  const { disk, write } = await tempRoot();
  await write('/hook', '#!/bin/sh\n', mode);
  const required = requireProgram('/hook', disk);
  if (reason === undefined) await expect(required).resolves.toBeUndefined();
  else expect(await faultIn(required)).toEqual({ code: 'precondition', reason });
});

test.each(['/nothing', '/directory'])('%s is no program', async (path) => {
  const { disk, write } = await tempRoot();
  await write('/directory/file', '', 0o755);
  expect(await faultIn(requireProgram(path, disk))).toEqual({
    code: 'precondition',
    reason: 'hook-not-executable',
  });
});
