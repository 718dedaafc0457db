import { dirname, join } from 'node:path';
import type { Disk } from '../base/disk.ts';
import { codeOf } from '../base/errors.ts';
import type { RoleLayout } from '../certificates/layout.ts';

/** What may be a kubeconfig or hold a copy of a certificate, by its name. */
const NAMES = /\.(?:conf|ya?ml|crt|pem|key)$|^kubeconfig$/;

/** Larger than this is nobody's kubeconfig and no copy of a certificate. */
const LARGEST = 1024 * 1024;
const MOST = 1000;

/** Every path of a layout. */
export const pathsOf = (role: RoleLayout): string[] => [
  ...role.authorities.map(({ file }) => file.path),
  ...role.certificates.flatMap(({ files }) => (files ? [files.key.path, files.certificate.path] : [])),
  ...role.kubeconfigs.map(({ file }) => file.path),
  ...(role.serviceAccount
    ? [role.serviceAccount.privateKeyFile.path, role.serviceAccount.publicKeyFile.path]
    : []),
  ...(role.revocationLists ?? []).map(({ file }) => file.path),
];

/**
 * Other files in the directories of a layout, and in those above them (/etc/kubernetes above /etc/kubernetes/certs),
 * that may hold what it replaces. A symlink stands for the file that it leads to.
 */
export async function findCandidates(disk: Disk, role: RoleLayout, passOver: PassOver): Promise<string[]> {
  const own = pathsOf(role);
  const directories = new Set(
    own.flatMap((path) => [dirname(path), dirname(dirname(path))]).filter((path) => !ABOVE.test(path)),
  );
  const taken = new Set(await Promise.all(own.map(async (path) => await disk.resolve(path))));
  const found: string[] = [];
  for (const directory of directories)
    for (const name of (await disk.list(directory)).filter((candidate) => NAMES.test(candidate))) {
      const path = await unlessInTrouble(
        join(directory, name),
        passOver,
        async (at) => await disk.resolve(at),
      );
      if (path === undefined || taken.has(path) || found.length === MOST) continue;
      taken.add(path);
      found.push(path);
    }
  return found;
}

/** `/etc` itself and the like belong to everybody. */
const ABOVE = /^\/[^/]*$/;

/** Told of a file beside those of the layout that cannot be looked at: it stands in nobody's way. */
export type PassOver = (path: string, error: unknown) => void;

async function unlessInTrouble<T>(
  path: string,
  passOver: PassOver,
  look: (path: string) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await look(path);
  } catch (error) {
    if (codeOf(error) !== 'disk') throw error;
    passOver(path, error);
    return undefined;
  }
}

/** The text of what may be a copy; undefined for one that is too large, and for one that cannot be read. */
export const readCopy = async (disk: Disk, path: string, passOver: PassOver): Promise<string | undefined> =>
  await unlessInTrouble(path, passOver, async (at) => await readSmall(disk, at));

/** The text of a file that is none too large; undefined for anything else. */
export const readSmall = async (disk: Disk, path: string): Promise<string | undefined> =>
  (await smallFile(disk, path))?.toString('utf8');

async function smallFile(disk: Disk, path: string): Promise<Buffer | undefined> {
  const target = await disk.resolve(path);
  const info = await disk.info(target);
  if (info?.type !== 'file' || info.size > LARGEST) return undefined;
  return await disk.read(target);
}

/** What lies in some directories beside what is known, file by file, as far as it can be read. */
export async function readBeside(
  disk: Disk,
  directories: readonly string[],
  known: ReadonlySet<string>,
  passOver: PassOver,
): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const directory of new Set(directories))
    for (const name of await disk.list(directory)) {
      const path = await unlessInTrouble(
        join(directory, name),
        passOver,
        async (at) => await disk.resolve(at),
      );
      if (path === undefined || known.has(path) || found.has(path) || found.size === MOST) continue;
      const content = await unlessInTrouble(path, passOver, async (at) => await smallFile(disk, at));
      if (content) found.set(path, content);
    }
  return found;
}
