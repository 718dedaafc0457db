import { join } from 'node:path';
import * as v from 'valibot';
import type { Disk } from '../base/disk.ts';
import { codeOf } from '../base/errors.ts';
import { readRecord, writeRecord } from '../base/record.ts';

const Kept = v.object({ digest: v.string(), key: v.string(), csr: v.string() });

/**
 * Keys and CSRs of the current rotation, mode 0600, written before they are sent. The digest tells whether a stored
 * pair belongs to the same request.
 */
export type KeptRequests = {
  recall(name: string, digest: string): Promise<{ key: string; csr: string } | undefined>;
  keep(name: string, digest: string, request: { key: string; csr: string }): Promise<void>;
  forget(): Promise<void>;
};

export function createKeptRequests(disk: Disk, directory: string): KeptRequests {
  const fileOf = (name: string): string => join(directory, name);
  return {
    recall: async (name, digest) => {
      try {
        const kept = v.safeParse(Kept, await readRecord(disk, fileOf(name)));
        return kept.success && kept.output.digest === digest ? kept.output : undefined;
      } catch (error) {
        // A damaged record is ignored: a new key costs only time.
        if (codeOf(error) === 'state') return undefined;
        throw error;
      }
    },
    keep: async (name, digest, { key, csr }) => {
      await disk.makeDirectory(directory, { mode: 0o700 });
      await writeRecord(disk, fileOf(name), { digest, key, csr });
    },
    forget: async () => {
      const names = await disk.list(directory);
      for (const name of names) await disk.remove(join(directory, name));
      if (names.length > 0) await disk.sync(directory);
    },
  };
}
