import type { RunRecord } from '../../agent/plan/run-record.ts';
import { succeeded } from '../../src/deployment/outcome.ts';
import type { Journal } from '../../src/files/journal.ts';
import type { ManagedFile } from '../../src/files/managed-file.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { TestHands } from './hands.ts';

/** A generation of one file, and units to restart for it. */

export const RUN_ID = 'run-1';
export const FILE = '/etc/k/token';
export const DONE = succeeded('done\n');

export const unitPlan = (name: string, over: Partial<UnitPlan> = {}): UnitPlan => ({
  name,
  required: true,
  deadlineMs: 2000,
  settleMs: 0,
  ...over,
});

export const managedFile = (content: string, path = FILE): ManagedFile => ({
  path,
  content,
  owner: 'root',
  group: 'root',
  mode: 0o600,
  directoryMode: 0o755,
});

/** Stages `new` over `old` in the one file, or in another with its own contents. */
export async function stageFile(
  { hands, write }: TestHands,
  record: Partial<RunRecord> = {},
  { path = FILE, old = 'old', content = 'new' } = {},
): Promise<Journal> {
  await write(path, old);
  return await hands.generations.stage(RUN_ID, [managedFile(content, path)], () => ({
    units: [],
    outcome: DONE,
    ...record,
  }));
}
