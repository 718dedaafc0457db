import { join } from 'node:path';
import type { Disk } from '../base/disk.ts';
import { CONTROL_GROUPS } from './control-groups.ts';
import { CONTAINER } from './heat-container.ts';

/** The units that may have served the node before, as named by their packages. A node has one of them. */
export const PREDECESSORS = ['os-collect-config.service', CONTAINER] as const;

/** The program that runs in the container of a unit. */
export const CONTAINED: ReadonlyMap<string, string> = new Map([[CONTAINER, 'os-collect-config']]);

/** Returns a warning for each predecessor that runs on this node. A running unit has a control group. */
export async function servedBeside(disk: Disk): Promise<string[]> {
  const serving: string[] = [];
  for (const unit of PREDECESSORS)
    for (const groups of CONTROL_GROUPS)
      if (await disk.info(join(groups, 'system.slice', unit))) serving.push(unit);
  return serving.map(
    (unit) => `${unit} also serves this node, so all work is done twice: replace it with agent migrate`,
  );
}
