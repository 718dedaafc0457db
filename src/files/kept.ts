import { join } from 'node:path';
import * as v from 'valibot';
import type { Disk } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import { readRecordOf, writeRecord } from '../base/record.ts';
import type { Journal } from './journal.ts';

/**
 * A replaced generation: every file that holds a certificate or its key, changed or not. It is one record, so it is there
 * completely or not at all, and does not depend on other generations.
 */
const Kept = v.object({
  version: v.literal(1),
  /** The run that has replaced it. */
  runId: v.string(),
  /** When that run began, in milliseconds since the epoch. */
  at: v.number(),
  files: v.array(v.object({ path: v.string(), content: v.string(), mode: v.number() })),
});
type Record = v.InferOutput<typeof Kept>;

/** `mode` is for a file that is there no more. */
export type KeptFile = { path: string; content: Buffer; mode: number };
export type KeptGeneration = Pick<Record, 'runId' | 'at'> & {
  /** Its name; names sort by time. */
  id: string;
  files: KeptFile[];
};

export type KeptGenerations = {
  /** The newest first. A damaged one is left out. */
  list(): Promise<KeptGeneration[]>;
  /** Keeps what a run has replaced. @returns its id */
  keep(generation: Omit<KeptGeneration, 'id'>): Promise<string>;
  has(at: number): Promise<boolean>;
  /** Removes all but these. */
  removeAllBut(ids: readonly string[]): Promise<void>;
};

/** A generation of a node takes less than 200 KiB. */
const LARGEST = 4 * 1024 * 1024;

const SUFFIX = '.json';

export function createKeptGenerations(disk: Disk, directory: string): KeptGenerations {
  const pathOf = (id: string): string => join(directory, `${id}${SUFFIX}`);
  const ids = async (): Promise<string[]> =>
    (await disk.list(directory))
      .filter((name) => name.endsWith(SUFFIX) && !name.startsWith('.'))
      .map((name) => name.slice(0, -SUFFIX.length))
      .toReversed();

  return {
    list: async () => {
      const kept: KeptGeneration[] = [];
      for (const id of await ids()) {
        const record = await readRecordOf(disk, pathOf(id), Kept).catch((error: unknown) => {
          if (error instanceof AgentError && error.code === 'state') return undefined;
          throw error;
        });
        if (!record) continue;
        const { runId, at, files } = record;
        kept.push({
          id,
          runId,
          at,
          files: files.map((file) => ({ ...file, content: Buffer.from(file.content, 'base64') })),
        });
      }
      return kept;
    },

    keep: async ({ runId, at, files }) => {
      const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
      if (bytes > LARGEST)
        throw new AgentError('disk', `keeping ${bytes} bytes of ${runId}: more than ${LARGEST}`, {
          reason: 'too-large',
        });
      const id = idOf(at);
      await disk.makeDirectory(directory, { mode: 0o700 });
      const record: Record = {
        version: 1,
        runId,
        at,
        files: files.map((file) => ({ ...file, content: file.content.toString('base64') })),
      };
      await writeRecord(disk, pathOf(id), record);
      return id;
    },

    has: async (at) => (await disk.info(pathOf(idOf(at)))) !== undefined,

    removeAllBut: async (keep) => {
      const names = await disk.list(directory);
      // Half-written records are among them.
      const gone = names.filter((name) => !keep.some((id) => name === `${id}${SUFFIX}`));
      for (const name of gone) await disk.remove(join(directory, name));
      if (gone.length > 0) await disk.sync(directory);
    },
  };
}

const idOf = (at: number): string => new Date(at).toISOString().replaceAll(/[-:.]/g, '');

/**
 * The files as they were before a generation: the copies that it has kept, and the others as they are.
 *
 * @param journal of a generation whose copies are still there
 * @returns those that were there
 * @throws the error of the disk for a copy that is gone
 */
export async function filesBefore(
  journal: Pick<Journal, 'files'>,
  paths: readonly string[],
  disk: Disk,
): Promise<KeptFile[]> {
  const replaced = new Map(journal.files.map((file) => [file.target, file]));
  const files = new Map<string, KeptFile>();
  for (const path of paths) {
    const target = await disk.resolve(path);
    const file = replaced.get(target);
    if (file?.previous)
      files.set(target, {
        path,
        content: await disk.read(file.previous.copy),
        mode: file.previous.attributes.mode,
      });
    else if (!file) {
      const found = await disk.snapshot(target);
      if (found) files.set(target, { path, content: found.content, mode: found.info.mode & 0o777 });
    }
  }
  return [...files.values()];
}
