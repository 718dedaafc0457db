import { mkdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { PREDECESSORS, servedBeside } from '../../../src/services/predecessors.ts';
import { tempRoot } from '../support/temp-root.ts';

test.each([
  ['/sys/fs/cgroup/system.slice', 'unified'],
  ['/sys/fs/cgroup/systemd/system.slice', 'legacy'],
])('finds a running predecessor by its control group: %s (%s)', async (slice) => {
  const { disk, at } = await tempRoot();
  expect(await servedBeside(disk)).toEqual([]);
  for (const [index, unit] of PREDECESSORS.entries()) {
    await mkdir(at(`${slice}/${unit}`), { recursive: true });
    const found = await servedBeside(disk);
    expect(found).toHaveLength(index + 1);
    expect(found[index]).toContain(unit);
  }
});
