import { dirname } from 'node:path';
import type { Disk } from './disk.ts';

/** Size limit of one file in bytes, and the number of older files kept as NAME.1 (the newest), NAME.2 ... */
type Bounds = { most: number; kept: number };

/** Appends a line to a file in a directory with mode 0700. Rotates the file first if it would become too large. */
export async function appendLine(
  disk: Disk,
  path: string,
  line: string,
  { most, kept }: Bounds,
): Promise<void> {
  await disk.makeDirectory(dirname(path), { mode: 0o700 });
  const size = (await disk.info(path))?.size ?? 0;
  if (size > 0 && size + Buffer.byteLength(line) + 1 > most) await putAside(disk, path, kept);
  await disk.append(path, `${line}\n`);
}

async function putAside(disk: Disk, path: string, kept: number): Promise<void> {
  for (let number = kept - 1; number >= 0; number -= 1) {
    const from = number === 0 ? path : `${path}.${number}`;
    if (await disk.info(from)) await disk.rename(from, `${path}.${number + 1}`);
  }
  await disk.sync(dirname(path));
}
