import { writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { watchPaths } from '../../../src/metadata/watch.ts';
import { tempRoot } from '../support/temp-root.ts';

test('a burst of changes wakes once, a later change again', async () => {
  const { write, at } = await tempRoot();
  await write('/data/old.json', '{}');
  let wakes = 0;
  const watcher = watchPaths([at('/data'), at('/nowhere')], () => (wakes += 1));
  onTestFinished(async () => {
    await watcher.close();
  });
  // The watcher does not say when it has begun: write until it notices.
  await vi.waitFor(async () => {
    await writeFile(at('/data/probe.json'), String(Math.random()));
    expect(wakes).toBeGreaterThan(0);
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  const before = wakes;
  for (const name of ['a', 'b', 'c']) await writeFile(at(`/data/${name}.json`), '{}');
  await vi.waitFor(() => {
    expect(wakes).toBe(before + 1);
  });
});
