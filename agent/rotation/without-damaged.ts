import { type Disk, readText } from '../../src/base/disk.ts';
import { codeOf } from '../../src/base/errors.ts';
import type { RoleLayout } from '../../src/certificates/layout.ts';
import { certificatesIn } from '../../src/certificates/read.ts';

/**
 * Returns the disk without damaged files of the layout that can be recreated: CA files with an invalid
 * certificate, and invalid kubeconfigs. A renewal then replaces them like missing ones.
 */
export async function withoutDamaged(
  { authorities, kubeconfigs }: Pick<RoleLayout, 'authorities' | 'kubeconfigs'>,
  disk: Disk,
): Promise<Disk> {
  const damaged = new Set<string>();
  const see = async (path: string, parse: (text: string) => unknown): Promise<void> => {
    const text = await readText(disk, path);
    if (text !== undefined && isDamaged(text, parse)) damaged.add(await disk.resolve(path));
  };
  for (const { file } of authorities) await see(file.path, (text) => certificatesIn(text, file.path));
  const made = kubeconfigs.filter(({ create }) => create);
  if (made.length > 0) {
    const { documentsOf } = await import('../../src/files/kubeconfig-document.ts');
    for (const { file } of made) await see(file.path, (text) => documentsOf(file.path, text));
  }
  if (damaged.size === 0) return disk;
  const isGone = async (path: string): Promise<boolean> => damaged.has(await disk.resolve(path));
  return {
    ...disk,
    read: async (path) => {
      if (await isGone(path)) throw Object.assign(new Error(`${path} is damaged`), { code: 'ENOENT' });
      return await disk.read(path);
    },
    snapshot: async (path) => ((await isGone(path)) ? undefined : await disk.snapshot(path)),
    info: async (path) => ((await isGone(path)) ? undefined : await disk.info(path)),
  };
}

function isDamaged(text: string, parse: (text: string) => unknown): boolean {
  try {
    parse(text);
    return false;
  } catch (error) {
    if (codeOf(error) === 'bad-file' || codeOf(error) === 'bad-certificate') return true;
    throw error;
  }
}
