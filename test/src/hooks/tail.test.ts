import { appendFile, rm, truncate, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createSecrets } from '../../../src/base/secrets.ts';
import { openTail } from '../../../src/hooks/tail.ts';
import { tempRoot } from '../support/temp-root.ts';

/** Opens a tail of a file, and collects its lines. */
async function follow(before: string | undefined, from: 'start' | 'end' = 'start') {
  const path = (await tempRoot()).at('/log');
  if (before !== undefined) await writeFile(path, before);
  const secrets = createSecrets();
  secrets.add('geheimnis-1');
  const lines: string[] = [];
  const tail = await openTail(path, from, secrets.stream(), (line) => lines.push(line));
  return { path, tail, lines };
}

test('reads whole lines, and the rest at the end', async () => {
  const { path, tail, lines } = await follow('one\ntw');
  await tail.read();
  expect(lines).toEqual(['one']);
  await appendFile(path, 'o\nthree');
  await tail.end();
  expect(lines).toEqual(['one', 'two', 'three']);
});

test('reads only what is added if it begins at the end', async () => {
  const { path, tail, lines } = await follow('before\n', 'end');
  await appendFile(path, 'after\n');
  await tail.end();
  expect(lines).toEqual(['after']);
});

test.each(['start', 'end'] as const)(
  'waits for a file that does not exist yet, from its %s',
  async (from) => {
    const { path, tail, lines } = await follow(undefined, from);
    await tail.read();
    await writeFile(path, 'one\n');
    await tail.end();
    expect(lines).toEqual(['one']);
  },
);

test('reads a truncated file from its start', async () => {
  const { path, tail, lines } = await follow('one\ntwo\n');
  await tail.read();
  await truncate(path);
  await appendFile(path, 'new\n');
  await tail.end();
  expect(lines).toEqual(['one', 'two', 'new']);
});

test('reads the end of a file that is gone as nothing', async () => {
  const { path, tail, lines } = await follow('one\n');
  await tail.read();
  await rm(path);
  await tail.end();
  expect(lines).toEqual(['one']);
});

test('keeps a character whole whose bytes arrive apart', async () => {
  const { path, tail, lines } = await follow('');
  const [first, ...rest] = Buffer.from('ä\n');
  await appendFile(path, Buffer.from([first ?? 0]));
  await tail.read();
  await appendFile(path, Buffer.from(rest));
  await tail.end();
  expect(lines).toEqual(['ä']);
});

test('redacts a secret that arrives in two parts', async () => {
  const { path, tail, lines } = await follow('is geheim');
  await tail.read();
  await appendFile(path, 'nis-1 !\n');
  await tail.end();
  expect(lines).toEqual(['is *** !']);
});

test('splits a line without an end, so that it does not fill the memory', async () => {
  const { tail, lines } = await follow('x'.repeat(200 * 1024));
  await tail.end();
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.join('')).toBe('x'.repeat(200 * 1024));
});
