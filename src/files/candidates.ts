import { dirname, join } from 'node:path';
import type { Disk, Snapshot } from '../base/disk.ts';
import { AgentError, codeOf } from '../base/errors.ts';
import { pemOfDer } from '../base/pem-of-der.ts';
import type { RoleLayout } from '../certificates/layout.ts';

/** What may be a kubeconfig or hold a copy of a certificate, by its name. */
const NAMES = /\.(?:conf|ya?ml|json|kubeconfig|crt|cert|cer|der|pem|key)$|^(?:.+[-_])?kubeconfig$|^config$/;

/** Where root's kubectl looks: kubeadm tells its user to copy admin.conf there. */
const OF_ROOTS_KUBECTL = '/root/.kube/config';

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
  ...(role.signer ? [role.signer.file.path, role.signer.argumentsFile] : []),
  ...(role.revocationLists ?? []).map(({ file }) => file.path),
];

/**
 * Other files in the directories of a layout, and in those above them (/etc/kubernetes above /etc/kubernetes/certs),
 * that may hold what it replaces, and the kubeconfig of root. A symlink stands for the file that it leads to.
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

/** `/etc` itself and the like belong to everybody. */
const ABOVE = /^\/[^/]*$/;

/** Told of a file beside those of the layout that cannot be looked at: it stands in nobody's way. */
export type PassOver = (path: string, error: unknown) => void;

/** What a look at a path gives; undefined, and told, where the disk is in its way. */
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

/** What may be a copy, as it was read. */
export type PossibleCopy = {
  /** PEM, of what is DER. */
  text: string;
  isDer: boolean;
  /** Which file it is (Snapshot.id). */
  id: string;
  /** Root alone can change it. */
  isTrusted: boolean;
};

/** What may be a copy; undefined for a file that is too large, and for one that cannot be read or is anybody's. */
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

/** In a directory that root shares with others, files of root and of its owner count: theirs it is to keep copies. */
async function refuseStrangers(disk: Disk, path: string, { info }: Snapshot): Promise<void> {
  const directory = dirname(await disk.resolve(path));
  if ((await disk.fault(directory)) === undefined) return;
  const owner = (await disk.info(directory))?.uid;
  if (info.uid !== 0 && info.uid !== owner)
    throw new AgentError('disk', `it belongs to user ${info.uid}, and ${directory} to user ${owner}`);
}

/** What lies in some directories beside what is known, file by file, as far as it can be read. */
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
