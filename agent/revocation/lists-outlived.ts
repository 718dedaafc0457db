import { X509Certificate } from 'node:crypto';
import { readIfThere } from '../../src/base/disk.ts';
import { AgentError, codeOf } from '../../src/base/errors.ts';
import { readRevocationList } from '../../src/certificates/crl.ts';
import type { Material } from '../../src/certificates/issue.ts';
import type { RevocationListRow } from '../../src/certificates/layout.ts';
import { READERS } from '../../src/certificates/list-readers.ts';
import type { Hands } from '../hands.ts';
import { whyNotRead } from './list-named.ts';
import type { Node } from '../node.ts';

/**
 * Reports CRLs whose CA is replaced, each as a sentence.
 *
 * @throws `precondition` if the service would reject every client, because the new CA has no list yet
 */
export async function listsOutlived(
  { layout }: Node,
  { authorities }: Material,
  hands: Hands,
  abort: AbortSignal,
): Promise<string[]> {
  const said: string[] = [];
  for (const row of layout.revocationLists ?? []) {
    const { file, ca: type, reader, unit } = row;
    const pem = authorities.get(type);
    const content = await readIfThere(hands.disk, file.path);
    if (content === undefined || pem === undefined || isOf(content, pem, row)) continue;
    const what = `${file.path} contains a list of the former ${type} CA`;
    if (!READERS[reader].verifies) said.push(`${what}, which revokes none of the new certificates`);
    else if ((await whyNotRead(row, hands, abort)) === undefined)
      throw new AgentError(
        'precondition',
        `${what}: with the new CA the unit ${unit} would reject every client, as OpenSSL does; remove the list from its configuration, rotate, then install a list of the new CA`,
        { reason: 'list-outlived' },
      );
  }
  for (const text of said) hands.progress({ event: 'notice', code: 'list-outlived', text });
  return said;
}

/** Whether the CA issued the list. An unreadable list has no issuer. */
function isOf(content: Buffer, pem: string, { file }: RevocationListRow): boolean {
  try {
    const list = readRevocationList(content, `the list in ${file.path}`);
    return list.isSignedBy(new X509Certificate(pem).publicKey);
  } catch (error) {
    if (codeOf(error) !== 'bad-certificate') throw error;
    return false;
  }
}
