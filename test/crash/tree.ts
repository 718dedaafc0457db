import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** An entry of a file tree; only files have content. */
export type Entry = {
  type: 'file' | 'directory' | 'other';
  mode: number;
  uid: number;
  gid: number;
  content: string;
};

/** Reads everything below a folder, by relative path. */
export async function readTree(root: string, under = ''): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  for (const name of await readdir(join(root, under)).catch(() => [])) {
    const path = `${under}/${name}`;
    const stat = await lstat(join(root, path));
    const type = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other';
    const content = type === 'file' ? await readFile(join(root, path), 'utf8') : '';
    entries.set(path, { type, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, content });
    if (type === 'directory')
      for (const [below, entry] of await readTree(root, path)) entries.set(below, entry);
  }
  return entries;
}

/** One line per entry, without contents, to compare two trees: ids of deployments and moments are replaced. */
export const listing = (tree: ReadonlyMap<string, Entry>): string[] =>
  [...tree]
    .map(
      ([path, { type, mode, uid, gid }]) =>
        `${path.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, 'ID').replace(/\d{8}T\d{9}Z/, 'TIME')} ${type} ${mode.toString(8)} ${uid}:${gid}`,
    )
    .toSorted();
