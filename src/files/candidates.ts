import { dirname, join } from 'node:path';
import type { Disk, Snapshot } from '../base/disk.ts';
import { AgentError, codeOf } from '../base/errors.ts';
import { pemOfDer } from '../base/pem-of-der.ts';
import type { RoleLayout } from '../certificates/layout.ts';

/** File names of possible kubeconfigs and copies of certificates. */
const NAMES = /\.(?:conf|ya?ml|json|kubeconfig|crt|cert|cer|der|pem|key)$|^(?:.+[-_])?kubeconfig$|^config$/;

/** The kubeconfig of root's kubectl: kubeadm tells its user to copy admin.conf there. */
const OF_ROOTS_KUBECTL = '/root/.kube/config';

/** In bytes: larger than any kubeconfig or copy of a certificate. */
const LARGEST = 1024 * 1024;
const MOST = 1000;

/** Returns every path of a layout. */
export const pathsOf = (role: RoleLayout): string[] => [
  ...role.authorities.map(({ file }) => file.path),
  ...role.certificates.flatMap(({ files }) => (files ? [files.key.path, files.certificate.path] : [])),
  ...role.kubeconfigs.map(({ file }) => file.path),
  ...(role.serviceAccount
    ? [role.serviceAccount.privateKeyFile.path, role.serviceAccount.publicKeyFile.path]
    : []),
  ...(role.signer ? [role.signer.file.path, role.signer.argumentsFile] : []),
  ...(role.revocationLists ?? []).map(({ file }) => file.path),
];

/**
 * Finds other files that may contain what the layout replaces: in its directories, in their parents (/etc/kubernetes
 * for /etc/kubernetes/certs), and root's kubeconfig. Symlinks are resolved.
 */
export async function findCandidates(disk: Disk, role: RoleLayout, passOver: PassOver): Promise<string[]> {
  const own = pathsOf(role);
  const directories = new Set(
    own.flatMap((path) => [dirname(path), dirname(dirname(path))]).filter((path) => !ABOVE.test(path)),
  );
  const resolve = async (path: string): Promise<string | undefined> =>
    await unlessInTrouble(path, passOver, async (at) => await disk.resolve(at));
  const taken = new Set(await Promise.all(own.map(resolve)));
  const found: string[] = [];
  for (const directory of directories)
    for (const name of (await disk.list(directory)).filter((candidate) => NAMES.test(candidate))) {
      const path = await resolve(join(directory, name));
      if (path === undefined || taken.has(path) || found.length === MOST) continue;
      taken.add(path);
      found.push(path);
    }
  const kubectls = await resolve(OF_ROOTS_KUBECTL);
  return kubectls === undefined || taken.has(kubectls) ? found : [...found, kubectls];
}

/** `/etc` and other top-level directories are shared with unrelated programs. */
const ABOVE = /^\/[^/]*$/;

/** Receives a file outside the layout that cannot be read. It does not fail the rotation. */
export type PassOver = (path: string, error: unknown) => void;

/** Runs `look` on a path. On a disk error, reports it to `passOver` and returns undefined. */
export async function unlessInTrouble<T>(
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

/** A possible copy, as it was read. */
export type PossibleCopy = {
  /** PEM; converted if the file is DER. */
  text: string;
  isDer: boolean;
  /** Identity of the file (Snapshot.id). */
  id: string;
  /** Only root can change it. */
  isTrusted: boolean;
};

/**
 * Reads a possible copy; undefined if it is too large, unreadable, or in a shared directory and not owned by root or
 * the directory's owner.
 */
export const readCopy = async (
  disk: Disk,
  path: string,
  passOver: PassOver,
): Promise<PossibleCopy | undefined> =>
  await unlessInTrouble(path, passOver, async (at) => {
    const found = await smallFile(disk, at);
    if (!found) return undefined;
    await refuseStrangers(disk, at, found);
    const isTrusted = (await disk.fault(at)) === undefined;
    const der = pemOfDer(found.content);
    const text = der ?? found.content.toString('utf8');
    return { text, isDer: der !== undefined, id: found.id, isTrusted };
  });

async function smallFile(disk: Disk, path: string): Promise<Snapshot | undefined> {
  const target = await disk.resolve(path);
  const info = await disk.info(target);
  if (info?.type !== 'file' || info.size > LARGEST) return undefined;
  return await disk.snapshot(target);
}

/** In a directory that belongs to another user, only files of root and of that user are accepted. */
async function refuseStrangers(disk: Disk, path: string, { info }: Snapshot): Promise<void> {
  const directory = dirname(await disk.resolve(path));
  if ((await disk.fault(directory)) === undefined) return;
  const owner = (await disk.info(directory))?.uid;
  if (info.uid !== 0 && info.uid !== owner)
    throw new AgentError('disk', `it belongs to user ${info.uid}, and ${directory} to user ${owner}`);
}

/** Reads the readable small files of some directories, except the known ones. */
export async function readBeside(
  disk: Disk,
  directories: readonly string[],
  known: ReadonlySet<string>,
  passOver: PassOver,
): Promise<Map<string, Snapshot>> {
  const found = new Map<string, Snapshot>();
  for (const directory of new Set(directories))
    for (const name of await disk.list(directory)) {
      const path = await unlessInTrouble(
        join(directory, name),
        passOver,
        async (at) => await disk.resolve(at),
      );
      if (path === undefined || known.has(path) || found.has(path) || found.size === MOST) continue;
      const file = await unlessInTrouble(path, passOver, async (at) => {
        const small = await smallFile(disk, at);
        if (small) await refuseStrangers(disk, at, small);
        return small;
      });
      if (file) found.set(path, file);
    }
  return found;
}
