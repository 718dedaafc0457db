import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createDisk } from '../../../src/base/real-disk.ts';
import { appendLine } from '../../../src/base/rolling-file.ts';

async function setUp() {
  const root = await mkdtemp(join(tmpdir(), 'coe-rolling-'));
  onTestFinished(async () => {
    await rm(root, { recursive: true });
  });
  const disk = createDisk(root);
  return {
    append: async (line: string) => {
      await appendLine(disk, '/var/log/a/b.jsonl', line, { most: 10, kept: 2 });
    },
    directory: join(root, 'var/log/a'),
  };
}

test('closes file and directory to other users, and appends lines', async () => {
  const { append, directory } = await setUp();
  await append('one');
  await append('two');
  const path = join(directory, 'b.jsonl');
  expect(await readFile(path, 'utf8')).toBe('one\ntwo\n');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
});

test('rotates a file that would become too large, and deletes the oldest', async () => {
  const { append, directory } = await setUp();
  for (const line of ['line 1', 'line 2', 'line 3', 'line 4']) await append(line);
  expect(await readdir(directory)).toEqual(['b.jsonl', 'b.jsonl.1', 'b.jsonl.2']);
  for (const [name, line] of [
    ['b.jsonl', 'line 4'],
    ['b.jsonl.1', 'line 3'],
    ['b.jsonl.2', 'line 2'],
  ] as const)
    expect(await readFile(join(directory, name), 'utf8')).toBe(`${line}\n`);
});

test('writes a line that is longer than a whole file', async () => {
  const { append, directory } = await setUp();
  await append('longer than ten');
  expect(await readdir(directory)).toEqual(['b.jsonl']);
});

test('keeps the next line separate from one that a kill has cut', async () => {
  const { append, directory } = await setUp();
  await append('one');
  await writeFile(join(directory, 'b.jsonl'), 'cut');
  await append('two');
  expect(await readFile(join(directory, 'b.jsonl'), 'utf8')).toBe('cut\ntwo\n');
});
