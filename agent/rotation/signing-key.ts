import { createPublicKey, type X509Certificate } from 'node:crypto';
import { dirname, join } from 'node:path';
import { type Disk, readText } from '../../src/base/disk.ts';
import type { AuthorityRow, SignerRow } from '../../src/certificates/layout.ts';
import { isPrivateKey, pemBlocksIn } from '../../src/base/pem.ts';
import type { Material } from '../../src/certificates/issue.ts';
import { certificatesIn, keyId, oneCertificate } from '../../src/certificates/read.ts';
import { sameCa } from '../../src/certificates/trusted.ts';
import type { ManagedFile } from '../../src/files/managed-file.ts';
import { isBeside } from '../../src/files/pairs.ts';
import { type SigningFiles, signingFilesIn, signingWith } from '../../src/files/signer.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/**
 * A CA's private key on the node, written because of Magnum's `cert_manager_api`: kube-controller-manager signs with
 * this key and the CA's certificate. Both are in one directory with similar names (`ca.crt` and `ca.key`, `ca.pem` and
 * `ca-key.pem`).
 */
export type SigningKey = { path: string; isOf(certificate: X509Certificate): boolean };

/** Finds the key beside a CA file. @returns undefined if there is none, or none that can be read */
export async function signingKeyBeside({ file }: AuthorityRow, disk: Disk): Promise<SigningKey | undefined> {
  const directory = dirname(file.path);
  const beside = (await disk.list(directory))
    .map((name) => join(directory, name))
    .filter((path) => path !== file.path && isBeside(path, file.path));
  for (const path of beside) {
    const key = await signingKeyAt(path, disk);
    if (key) return key;
  }
  return undefined;
}

async function signingKeyAt(path: string, disk: Disk): Promise<SigningKey | undefined> {
  const text = await readText(disk, path);
  const key = pemBlocksIn(text ?? '').find(isPrivateKey)?.pem;
  if (key === undefined) return undefined;
  try {
    const id = keyId(createPublicKey(key));
    return { path, isOf: ({ publicKey }) => keyId(publicKey) === id };
  } catch {
    return undefined;
  }
}

/** Returns the files with which kube-controller-manager signs; undefined: its file of arguments names none. */
export const signingFilesOf = async (
  { argumentsFile }: SignerRow,
  disk: Disk,
): Promise<SigningFiles | undefined> => signingFilesIn((await readText(disk, argumentsFile)) ?? '');

/**
 * Returns the files that give kube-controller-manager its own CA file, if it signs with a CA of this layout: the
 * certificate of its key, and its arguments. Both stay unchanged once they exist, because the key of another CA never
 * reaches the node.
 */
export async function signerFiles(
  { layout: { authorities, signer } }: Pick<Node, 'layout'>,
  disk: Disk,
): Promise<ManagedFile[]> {
  const row = authorities.find(({ ca, single }) => signer && sameCa(ca, signer.ca) && single !== true);
  const named = signer && (await signingFilesOf(signer, disk));
  if (!row || !named || named.certificate !== row.file.path) return [];
  const key = await signingKeyAt(named.key, disk);
  const pem = await readText(disk, row.file.path);
  const own = key && certificatesIn(pem ?? '', row.file.path).find(key.isOf);
  const found = await disk.snapshot(await disk.resolve(signer.argumentsFile));
  if (!own || !found) return [];
  return [
    { ...signer.file, content: own.toString() },
    {
      path: signer.argumentsFile,
      content: signingWith(found.content, named.certificate, signer),
      madeFrom: found.id,
      owner: 'root',
      group: 'root',
      mode: 0o644,
      directoryMode: 0o755,
    },
  ];
}

/** Reports keys that are obsolete because their CA was replaced, each as a sentence. */
export async function signingKeysOutlived(
  { layout: { authorities, signer } }: Node,
  material: Material,
  { disk, progress }: Pick<Hands, 'disk' | 'progress'>,
): Promise<string[]> {
  const said: string[] = [];
  const signsHere = signer && (await signingFilesOf(signer, disk)) !== undefined;
  for (const row of authorities) {
    const key = await signingKeyBeside(row, disk);
    const pem = material.authorities.get(row.ca);
    if (!key || pem === undefined || key.isOf(oneCertificate(pem, `the ${row.ca} CA`))) continue;
    const what =
      signsHere === true && sameCa(signer.ca, row.ca)
        ? 'kube-controller-manager still signs with the old CA, and only programs that trust the old CA accept its certificates'
        : `programs that sign with this key and ${row.file.path} (kube-controller-manager with cert_manager_api) no longer can`;
    said.push(`${key.path} is obsolete: only Magnum has the key of the new ${row.ca} CA; ${what}`);
  }
  for (const text of said) progress({ event: 'notice', code: 'signing-key-outlived', text });
  return said;
}
