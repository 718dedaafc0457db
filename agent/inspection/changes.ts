import type { X509Certificate } from 'node:crypto';
import { type Disk, readText } from '../../src/base/disk.ts';
import { isPrivateKey, pemBlocksIn } from '../../src/base/pem.ts';
import { unifiedDiff } from '../../src/base/unified-diff.ts';
import type { Material } from '../../src/certificates/issue.ts';
import type { CaType } from '../../src/certificates/layout.ts';
import { certificatesIn, signerOf } from '../../src/certificates/read.ts';
import { type CertificateRequest, requestsOf } from '../../src/certificates/request.ts';
import { sameCa } from '../../src/certificates/trusted.ts';
import { verifyAuthority } from '../../src/certificates/verify.ts';
import { withoutDamaged } from '../rotation/without-damaged.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { missingPair } from '../rotation/missing-keys.ts';
import { newFiles } from '../rotation/new-files.ts';
import { newCertificate, newKey, shownLines } from './shown-text.ts';

/** The changes of a repair to one file: a unified diff without keys and passwords. */
export type Change = { file: string; lines: string[] };

/**
 * Predicts every file that new certificates of the same CA would change. The new certificates and keys are
 * placeholders: nothing is issued.
 *
 * @param node its values include the addresses that heat-params leave empty
 * @throws `bad-file` for a file that cannot be renewed
 */
export async function foreseeChanges(node: Node, hands: Hands, abort: AbortSignal): Promise<Change[]> {
  const requests = requestsOf(node.layout, node.values);
  const disk = await withoutDamaged(node.layout, hands.disk);
  const authorities = await authoritiesOf(node, disk, hands, abort);
  const certificates = new Map(
    requests.map(({ name }) => [name, { certificate: newCertificate(name), key: newKey(name) }]),
  );
  const pair = await missingPair(node, hands);
  const keys = pair ? 'first' : 'keep';
  const step = { certificates: 'reissue', keys, serviceAccount: pair, units: [] } as const;
  const material: Material = { authorities, certificates };
  const changes: Change[] = [];
  for (const { path, content } of await newFiles(step, node, material, { ...hands, disk })) {
    const before = await readText(hands.disk, path);
    const after = typeof content === 'string' ? content : Buffer.from(content).toString('utf8');
    if (before !== after) changes.push({ file: path, lines: diffOf(path, before, after, requests) });
  }
  return changes;
}

function diffOf(
  path: string,
  before: string | undefined,
  after: string,
  requests: readonly CertificateRequest[],
): string[] {
  const isKeyFile = pemBlocksIn(after).some(isPrivateKey);
  const lines = unifiedDiff(
    path,
    before === undefined ? undefined : shownLines(before, requests, isKeyFile),
    shownLines(after, requests),
  );
  // Only the redacted parts differ.
  return lines.length > 0 ? lines : [`--- ${path}`, `+++ ${path}`];
}

/**
 * Returns the CA of each type that signs the node's certificates: from its files, or from Magnum if the file is lost.
 */
async function authoritiesOf(
  { layout, params }: Node,
  disk: Disk,
  hands: Hands,
  abort: AbortSignal,
): Promise<Map<CaType, string>> {
  const current = await readCurrentCertificates(layout, async (path) => await readText(disk, path));
  const trusted = current.authorities.flatMap(([type, pem], index) =>
    layout.authorities[index]?.single === true
      ? []
      : parsed(pem).map((certificate) => ({ type, certificate })),
  );
  const leaves = current.certificates.flatMap(([, pem]) => parsed(pem));
  const found = new Map<CaType, string>();
  for (const { ca: type } of layout.authorities) {
    const cas = trusted.filter((one) => sameCa(one.type, type)).map(({ certificate }) => certificate);
    const used = leaves.map((leaf) => signerOf(leaf, cas)).find((signer) => signer !== undefined);
    const ca = used ?? cas[0] ?? (await readServed(type, params, hands, abort));
    found.set(type, ca.toString());
  }
  return found;
}

async function readServed(
  type: CaType,
  params: Node['params'],
  hands: Hands,
  abort: AbortSignal,
): Promise<X509Certificate> {
  const cluster = await hands.openCluster(params, undefined, abort, { patient: false });
  return await cluster.readCa(type, (pem) => verifyAuthority(pem, type, hands.clock.now()));
}

function parsed(pem: string): X509Certificate[] {
  try {
    return certificatesIn(pem, 'a certificate');
  } catch {
    return [];
  }
}
