import { readIfThere, readText } from '../../src/base/disk.ts';
import { codeOf, explain, reasonOf } from '../../src/base/errors.ts';
import { readRevocationList } from '../../src/certificates/crl.ts';
import type { RevocationListRow } from '../../src/certificates/layout.ts';
import { READERS } from '../../src/certificates/list-readers.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import type { Hands } from '../hands.ts';
import { whyNotRead } from '../revocation/list-named.ts';
import type { Node } from '../node.ts';
import type { Finding } from './finding.ts';

/** How long before its expiry a list is reported. */
const SOON_MS = 7 * 86_400_000;

/** Checks the CRLs that this node's services use. */
export async function lookAtLists(node: Node, hands: Hands, abort: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const row of node.layout.revocationLists ?? []) {
    const content = await readIfThere(hands.disk, row.file.path);
    const isRead = (await whyNotRead(row, hands, abort)) === undefined;
    if (content) findings.push(await findingOf(content, row, isRead, node, hands));
    else if (isRead)
      findings.push({
        id: 'revocation-list',
        of: row.file.path,
        verdict: 'bad',
        reason: 'missing',
        what: `${row.file.path} is missing: without it the unit ${row.unit} rejects every client`,
      });
  }
  return findings;
}

async function findingOf(
  content: Buffer,
  { file, ca: type, unit, reader }: RevocationListRow,
  isRead: boolean,
  { layout }: Node,
  { disk, clock }: Hands,
): Promise<Finding> {
  const { verifies } = READERS[reader];
  const about = { id: 'revocation-list', of: file.path } as const;
  // Some faults make etcd reject every client; for other readers they only disable revocation.
  const trouble = (shutsOut: boolean, reason: string, what: string): Finding => ({
    ...about,
    reason,
    verdict: isRead && shutsOut ? 'bad' : 'warning',
    what: isRead && shutsOut ? `${what}: the unit ${unit} rejects every client` : what,
  });
  try {
    const list = readRevocationList(content, `the list in ${file.path}`);
    const row = layout.authorities.find((one) => one.ca === type);
    const pem = (row && (await readText(disk, row.file.path))) ?? '';
    if (!certificatesIn(pem, row?.file.path ?? '').some(({ publicKey }) => list.isSignedBy(publicKey)))
      return trouble(
        verifies,
        'wrong-issuer',
        `the list in ${file.path} is not signed by the present ${type} CA`,
      );
    const { nextUpdate } = list;
    if (nextUpdate === undefined)
      return { ...about, verdict: 'good', what: `${file.path} contains a revocation list` };
    const until = new Date(nextUpdate).toISOString();
    if (nextUpdate < clock.now())
      return trouble(verifies, 'expired', `the list in ${file.path} expired on ${until}`);
    const what = `the list in ${file.path} is valid until ${until}`;
    return nextUpdate - clock.now() < SOON_MS
      ? { ...about, verdict: 'warning', reason: 'ends-soon', what }
      : { ...about, verdict: 'good', what };
  } catch (error) {
    return trouble(true, reasonOf(error) ?? codeOf(error) ?? 'internal', explain(error));
  }
}
