import { writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { followPaths, watchPaths } from '../../../src/metadata/watch.ts';
import { tempRoot } from '../support/temp-root.ts';

/** Waits longer than changes are collected. */
const settled = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 150));
};

test('wakes once for a burst of changes, and again for a later one', async () => {
  const { write, at } = await tempRoot();
  await write('/data/old.json', '{}');
  let wakes = 0;
  const watcher = watchPaths([at('/data'), at('/nowhere')], () => (wakes += 1));
  onTestFinished(async () => {
    await watcher.close();
  });
  // The watcher does not report when it is ready: write until it notices.
  await vi.waitFor(async () => {
    await writeFile(at('/data/probe.json'), String(Math.random()));
    expect(wakes).toBeGreaterThan(0);
  });
  await settled();
  const before = wakes;
  for (const name of ['a', 'b', 'c']) await writeFile(at(`/data/${name}.json`), '{}');
  await vi.waitFor(() => {
    expect(wakes).toBe(before + 1);
  });
});

test.each(['/data', '/data/new', '/data/deep/new'])(
  'wakes for a change of %s that is made before it watches',
  async (path) => {
    const { write, at } = await tempRoot();
    await write('/data/old.json', '{}');
    let wakes = 0;
    const watcher = watchPaths([at(path)], () => (wakes += 1));
    onTestFinished(watcher.close);
    await write(`${path}/file.json`, '{}');
    await vi.waitFor(() => {
      expect(wakes).toBeGreaterThan(0);
    });
  },
);

test('replaces the watched paths', async () => {
  const { write, at } = await tempRoot();
  for (const path of ['/one/a', '/two/a']) await write(path, '');
  let wakes = 0;
  const followed = followPaths(() => (wakes += 1));
  onTestFinished(followed.close);
  for (const [path, former] of [
    ['/one', undefined],
    ['/two', '/one'],
  ] as const) {
    await followed.follow([at(path)]);
    await settled();
    const before = wakes;
    if (former !== undefined) await writeFile(at(`${former}/a`), 'former');
    await settled();
    expect(wakes).toBe(before);
    await vi.waitFor(async () => {
      await writeFile(at(`${path}/a`), String(Math.random()));
      expect(wakes).toBeGreaterThan(before);
    });
  }
});
