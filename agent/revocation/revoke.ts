import type { X509Certificate } from 'node:crypto';
import { type Disk, readIfThere, readText } from '../../src/base/disk.ts';
import { AgentError, explain } from '../../src/base/errors.ts';
import { type RevocationList, readRevocationList, revocationListToPem } from '../../src/certificates/crl.ts';
import { checkListDates, compareLists } from '../../src/certificates/crl-check.ts';
import { keyUsageOf } from '../../src/certificates/der.ts';
import type { AuthorityRow, RevocationListRow } from '../../src/certificates/layout.ts';
import { READERS } from '../../src/certificates/list-readers.ts';
import { certificatesIn, fingerprint } from '../../src/certificates/read.ts';
import type { RevokeOperation } from '../../src/operation/revoke.ts';
import type { ListPlan } from '../../src/services/list.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Hands } from '../hands.ts';
import { whyNotRead } from './list-named.ts';
import { describeNode, type Node, readNode } from '../node.ts';
import type { NodeIntention } from '../plan/intention.ts';
import { unitsOf } from '../plan/units.ts';
import { planRevocation } from './plan.ts';
import { type OwnClient, ownClients } from './own-clients.ts';

/**
 * Decides the work of a CRL on this node. Rejects a CRL of another CA, one that is not valid now, and one that is older
 * than the installed one. Also rejects a CRL that would revoke this node's own clients, and one that no service here
 * uses.
 *
 * @throws `precondition` or `bad-certificate` with the reason of the rejection
 */
export async function intendToRevoke(
  operation: RevokeOperation,
  hands: Hands,
  abort: AbortSignal,
): Promise<NodeIntention> {
  const under = await hands.generations.current();
  if (under?.state === 'stuck')
    throw new AgentError(
      'precondition',
      'an earlier rotation is stuck: run "agent rollback", or rotate, first',
      { reason: 'rotation-stuck' },
    );
  const node = await readNode(hands);
  const list = readRevocationList(operation.list, operation.source);
  const { ca, rows: authorities } = await signerOf(list, node, hands);
  checkListDates(list, hands.clock.now(), skewInWords(hands));
  const rows = (node.layout.revocationLists ?? []).filter((row) =>
    authorities.some((authority) => authority.ca === row.ca),
  );
  const types = authorities.map(({ ca: type }) => type).join(', ');
  if (rows.length === 0)
    throw new AgentError(
      'precondition',
      `no service on a ${node.role} of the layout ${node.chosen.layout.name} reads a list of the ${types} CA: send the list to servers with such a service, or describe the service in your own layout`,
      { reason: 'no-reader' },
    );

  const own = await ownClients(node, ca, list, hands);
  const revoked = own.filter(({ isRevoked, isCanary }) => isRevoked && !isCanary);
  if (revoked.length > 0 && !operation.allowOwn)
    throw new AgentError(
      'precondition',
      `the list revokes certificates of this node: ${revoked.map(inWords).join(', ')}; renew the certificates first, or set allow_own`,
      { reason: 'own-certificate' },
    );

  const wanted: RevocationListRow[] = [];
  for (const row of rows) {
    checkReader(row, ca);
    if (!operation.prepare) await checkConfigured(row, hands, abort);
    const installed = await installedList(row, hands);
    const isOfThisCa = installed?.isSignedBy(ca.publicKey) === true;
    if (!isOfThisCa || compareLists(list, installed, row.file.path) === 'newer') wanted.push(row);
  }
  const what = describeList(list, types, ca);
  if (wanted.length === 0)
    return { kind: 'nothing', reason: 'list-in-place', why: `${what} is already installed` };
  const units = await unitsOf(node, hands, abort);
  const lists = operation.prepare ? [] : wanted.map((row) => listPlan(row, operation, own, units));
  const files = wanted.map(({ file, reader }) => ({
    ...file,
    content: READERS[reader].form === 'der' ? list.der : revocationListToPem(list),
  }));
  const said = [
    `${what}, installed:`,
    ...files.map(({ path }) => `  ${path}`),
    ...(operation.prepare ? ['prepared only: no service has proven to enforce it'] : []),
  ];
  return {
    kind: 'change',
    node,
    plan: planRevocation(files, lists, said),
    why: `${what}; ${describeNode(node)}`,
  };
}

/** Returns the CA of this node whose key has signed a list, and the rows that contain it. */
async function signerOf(
  list: RevocationList,
  { layout }: Node,
  { disk }: Hands,
): Promise<{ ca: X509Certificate; rows: AuthorityRow[] }> {
  const rows: AuthorityRow[] = [];
  const known: string[] = [];
  let ca: X509Certificate | undefined;
  for (const row of layout.authorities) {
    const pem = (await readText(disk, row.file.path)) ?? '';
    for (const certificate of certificatesIn(pem, row.file.path)) {
      known.push(`${row.file.path} (${fingerprint(certificate).slice(0, 16)})`);
      if (!list.isSignedBy(certificate.publicKey)) continue;
      ca = certificate;
      rows.push(row);
    }
  }
  if (ca) return { ca, rows };
  throw new AgentError(
    'precondition',
    `the list is signed by none of the CAs of this node: ${known.join(', ') || 'it has none'}`,
    { reason: 'foreign-signer' },
  );
}

/** id-ce-keyUsage's cRLSign (RFC 5280, 4.2.1.3). */
const SIGNS_LISTS = 0x02;

function checkReader({ reader, unit, file }: RevocationListRow, ca: X509Certificate): void {
  const usage = keyUsageOf(ca.raw);
  if (!READERS[reader].verifies || usage === undefined || (usage & SIGNS_LISTS) !== 0) return;
  throw new AgentError(
    'precondition',
    `the list's CA may not sign lists (its key usage lacks cRLSign, as in every CA of Magnum): with the list in ${file.path} the unit ${unit} would reject every client, as OpenSSL does`,
    { reason: 'signer-may-not' },
  );
}

async function checkConfigured(row: RevocationListRow, hands: Hands, abort: AbortSignal): Promise<void> {
  const { load } = await (await hands.systemctl()).show(row.unit, abort);
  if (load === 'not-found')
    throw new AgentError(
      'precondition',
      `this node has no unit ${row.unit}, which would read ${row.file.path}`,
      { reason: 'unit-missing' },
    );
  const why = await whyNotRead(row, hands, abort);
  if (why !== undefined)
    throw new AgentError(
      'precondition',
      `the unit ${row.unit} does not read ${row.file.path}: ${why.text}; set prepare to install the file first, then configure and restart the unit`,
      { reason: 'not-configured' },
    );
}

/** Reads the CRL in use; an unreadable one counts as missing. */
async function installedList(
  { file }: RevocationListRow,
  hands: { disk: Disk; progress: Hands['progress'] },
): Promise<RevocationList | undefined> {
  const content = await readIfThere(hands.disk, file.path);
  if (content === undefined) return undefined;
  try {
    return readRevocationList(content, `the list in ${file.path}`);
  } catch (error) {
    const text = `replacing an unreadable list: ${explain(error)}`;
    hands.progress({ event: 'notice', code: 'list-unreadable', of: file.path, text });
    return undefined;
  }
}

function listPlan(
  { unit: name, file, reader }: RevocationListRow,
  { restart }: RevokeOperation,
  own: readonly OwnClient[],
  units: readonly UnitPlan[],
): ListPlan {
  const plan = units.find((one) => one.name === name);
  if (!plan) throw new AgentError('config', `the layout has no unit ${name}`);
  const { health, ...rest } = plan;
  const me = own.find(({ identity }) => identity.certificate === health?.identity?.certificate);
  const canary = own.find(({ isCanary, isRevoked }) => isCanary && isRevoked);
  const isShutOut = me?.isRevoked === true;
  const refused = isShutOut ? me.identity : canary?.identity;
  return {
    // A revoked certificate cannot be used for the health check.
    unitPlan: { ...rest, required: true, ...(health && !isShutOut ? { health } : {}) },
    file: file.path,
    rereads: READERS[reader].rereads && !restart,
    ...(health && { url: health.url }),
    ...(health?.identity && !isShutOut ? { accepted: health.identity } : {}),
    ...(refused && { refused }),
  };
}

const inWords = ({ identity, serial }: OwnClient): string =>
  `${identity.certificate} (serial number ${serial})`;

const describeList = (
  { number, serials, nextUpdate }: RevocationList,
  types: string,
  ca: X509Certificate,
): string => {
  const until = nextUpdate === undefined ? '' : `, valid until ${new Date(nextUpdate).toISOString()}`;
  return `the list ${number === undefined ? 'without a number' : number} of the ${types} CA ${fingerprint(ca).slice(0, 16)} (${serials.size} revoked${until})`;
};

function skewInWords({ skewMs }: Hands): string {
  const skew = skewMs();
  if (skew === undefined || Number.isNaN(skew) || Math.abs(skew) < 1000) return '';
  return `, ${Math.abs(skew / 1000).toFixed(0)} s ${skew < 0 ? 'behind' : 'ahead of'} the cloud's`;
}
