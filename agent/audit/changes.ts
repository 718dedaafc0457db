import type { X509Certificate } from 'node:crypto';
import { type Disk, readText } from '../../src/base/disk.ts';
import { codeOf } from '../../src/base/errors.ts';
import { certificatesIn, fingerprint, serialOf } from '../../src/certificates/read.ts';
import type { Journal } from '../../src/files/journal.ts';
import type { Hands } from '../hands.ts';

/** A changed file. `null`: the file did not exist before, or does not exist now. */
export type FileChange = { path: string; before: Held[] | null; after: Held[] | null };

/** A certificate in a file. Keys and passwords are never recorded, not even as a hash. */
type Held = { fingerprint: string; serial: string };

/** Lists the files of a generation that differ from before. A rollback leaves none. */
export async function changesOf({ files }: Journal, { disk }: Pick<Hands, 'disk'>): Promise<FileChange[]> {
  const changes: FileChange[] = [];
  for (const { target, previous } of files) {
    const before = previous ? await readQuietly(disk, previous.copy) : undefined;
    const after = await readQuietly(disk, target);
    if (before !== after)
      changes.push({
        path: target,
        before: await heldIn(target, before),
        after: await heldIn(target, after),
      });
  }
  return changes;
}

/** An unreadable file counts as absent, so that the others are still recorded. */
const readQuietly = async (disk: Disk, path: string): Promise<string | undefined> =>
  await readText(disk, path).catch((error: unknown) => {
    if (codeOf(error) === 'disk') return undefined;
    throw error;
  });

async function heldIn(path: string, text: string | undefined): Promise<Held[] | null> {
  if (text === undefined) return null;
  const pems = text.includes('-data:') ? await embeddedIn(path, text) : [text];
  return pems.flatMap(parsed).map(markOf);
}

/** Returns the fields that identify a certificate in the audit. */
export const markOf = (certificate: X509Certificate): Held => ({
  fingerprint: fingerprint(certificate),
  serial: serialOf(certificate),
});

/** Returns the certificates embedded in a kubeconfig. */
async function embeddedIn(path: string, text: string): Promise<string[]> {
  const { entriesOf } = await import('../../src/files/kubeconfig-contents.ts');
  try {
    return entriesOf(path, text).flatMap(({ ca, certificate }) => [ca?.pem ?? '', certificate?.pem ?? '']);
  } catch (error) {
    if (codeOf(error) === 'bad-file') return [];
    throw error;
  }
}

const parsed = (pem: string): X509Certificate[] => {
  try {
    return certificatesIn(pem, 'a certificate');
  } catch {
    return [];
  }
};
