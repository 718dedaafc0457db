import { createPublicKey, type X509Certificate } from 'node:crypto';
import { type Disk, readIfThere } from '../../src/base/disk.ts';
import type { AuthorityRow } from '../../src/certificates/layout.ts';
import type { Material } from '../../src/certificates/issue.ts';
import { keyId, oneCertificate } from '../../src/certificates/read.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/**
 * A CA's private key on the node, as Magnum's `cert_manager_api` has it: it lies beside the certificate, and
 * kube-controller-manager signs with the two.
 */
export type SigningKey = { path: string; isOf(certificate: X509Certificate): boolean };

/** @returns undefined where no key lies beside the file, or nothing that can be read as one */
export async function signingKeyBeside({ file }: AuthorityRow, disk: Disk): Promise<SigningKey | undefined> {
  const path = file.path.replace(/\.[^./]*$/, '.key');
  const key = path === file.path ? undefined : await readIfThere(disk, path);
  if (!key) return undefined;
  try {
    const id = keyId(createPublicKey(key));
    return { path, isOf: ({ publicKey }) => keyId(publicKey) === id };
  } catch {
    return undefined;
  }
}

/** What becomes of such keys when their CA gives way to another, in sentences. */
export async function signingKeysOutlived(
  { layout }: Node,
  { authorities }: Material,
  { disk, progress }: Pick<Hands, 'disk' | 'progress'>,
): Promise<string[]> {
  const said: string[] = [];
  for (const row of layout.authorities) {
    const key = await signingKeyBeside(row, disk);
    const pem = authorities.get(row.ca);
    if (!key || pem === undefined || key.isOf(oneCertificate(pem, `the ${row.ca} CA`))) continue;
    said.push(
      `${key.path} is not the key of the new ${row.ca} CA, which stays with Magnum: whoever signs with it and ${row.file.path} (kube-controller-manager where cert_manager_api is on) cannot any more`,
    );
  }
  for (const text of said) progress({ event: 'notice', text });
  return said;
}
