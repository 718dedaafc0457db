import type { X509Certificate } from 'node:crypto';
import { type Disk, readIfThere } from '../../src/base/disk.ts';
import { codeOf } from '../../src/base/errors.ts';
import { certificatesIn, fingerprint } from '../../src/certificates/read.ts';
import type { KeptFile, KeptGeneration } from '../../src/files/kept.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { ownClients } from '../revocation/own-clients.ts';
import { sentenceOn } from './fault.ts';
import { takeInventory } from './inventory.ts';

/** A kept generation, compared with the node's present files. */
export type SeenKept = {
  kept: KeptGeneration;
  /** The paths that a rollback to it would change. */
  changes: readonly string[];
  /** Whether it changes CA files or holds several CAs. With such a generation, a rotation is under way. */
  isInRotation: boolean;
  /** When the first of its certificates expires. */
  notAfter: string | undefined;
  /** Fingerprints of its CAs that the node no longer trusts. */
  formerCas: readonly string[];
  /** Why it cannot be used, one sentence each. */
  faults: readonly string[];
};

/** Inspects every kept generation, newest first. */
export async function seeKept(
  node: Node,
  hands: Pick<Hands, 'disk' | 'clock' | 'keptGenerations'>,
): Promise<SeenKept[]> {
  const seen: SeenKept[] = [];
  for (const kept of await hands.keptGenerations.list()) seen.push(await see(kept, node, hands));
  return seen;
}

async function see(
  kept: KeptGeneration,
  node: Node,
  { disk, clock }: Pick<Hands, 'disk' | 'clock'>,
): Promise<SeenKept> {
  const imagined = await withFiles(kept.files, disk);
  const holdings = await takeInventory(imagined, node.layout, clock.now());
  const faults = holdings.flatMap(({ file, faults: all }) => (all.length > 0 ? [sentenceOn(file, all)] : []));
  const changes: string[] = [];
  for (const { path, content } of kept.files)
    if ((await readIfThere(disk, path))?.equals(content) !== true) changes.push(path);
  const end = endOf(kept);
  return {
    kept,
    changes,
    isInRotation: kept.files.some((file) => {
      const { length } = authoritiesOf(file);
      return length > 1 || (length > 0 && changes.includes(file.path));
    }),
    notAfter: Number.isFinite(end) ? new Date(end).toISOString() : undefined,
    formerCas: await formerCasIn(kept, disk),
    faults: [...faults, ...(await revokedIn(node, imagined))],
  };
}

/** Returns when the first of its certificates expires, in milliseconds since the epoch; Infinity if it has none. */
export const endOf = ({ files }: Pick<KeptGeneration, 'files'>): number =>
  Math.min(...files.flatMap(certificatesOf).map(({ validToDate }) => validToDate.getTime()));

/**
 * Returns fingerprints of CAs in a kept generation that its files do not contain now. A rotation has replaced these
 * CAs, and the node rejects their certificates.
 */
export async function formerCasIn({ files }: Pick<KeptGeneration, 'files'>, disk: Disk): Promise<string[]> {
  const now = new Set<string>();
  for (const { path } of files)
    for (const ca of authoritiesOf({ path, content: (await readIfThere(disk, path)) ?? Buffer.alloc(0) }))
      now.add(fingerprint(ca));
  const before = new Set(files.flatMap((file) => authoritiesOf(file).map(fingerprint)));
  return [...before].filter((one) => !now.has(one));
}

type Content = Pick<KeptFile, 'path' | 'content'>;

const authoritiesOf = (file: Content): X509Certificate[] => certificatesOf(file).filter(({ ca }) => ca);

/** Returns the certificates of a PEM file. A kubeconfig embeds the same ones and is skipped. */
function certificatesOf({ path, content }: Content): X509Certificate[] {
  const text = content.toString('latin1');
  if (!text.includes('-----BEGIN CERTIFICATE-----')) return [];
  try {
    return certificatesIn(text, path);
  } catch (error) {
    if (codeOf(error) !== 'bad-certificate') throw error;
    return [];
  }
}

/** Returns the node's disk as it would be with these files. */
async function withFiles(files: readonly KeptFile[], disk: Disk): Promise<Disk> {
  const contents = new Map<string, Buffer>();
  for (const { path, content } of files) contents.set(await disk.resolve(path), content);
  return {
    ...disk,
    read: async (path) => contents.get(await disk.resolve(path)) ?? (await disk.read(path)),
  };
}

/** Lists certificates of the generation that an installed list revokes: the list's readers reject them. */
async function revokedIn(node: Node, disk: Disk): Promise<string[]> {
  const said: string[] = [];
  for (const { file, ca } of node.layout.revocationLists ?? []) {
    const content = await readIfThere(disk, file.path);
    const row = node.layout.authorities.find((one) => one.ca === ca);
    const pem = content && row && (await readIfThere(disk, row.file.path));
    if (!content || !pem) continue;
    // node-forge, which an idle daemon should not hold.
    const { readRevocationList } = await import('../../src/certificates/crl.ts');
    try {
      const list = readRevocationList(content, `the list in ${file.path}`);
      for (const authority of certificatesIn(pem.toString('utf8'), file.path))
        for (const client of await ownClients(node, authority, list, { disk }))
          if (client.isRevoked && !client.isCanary)
            said.push(`${client.identity.certificate}: ${file.path} revokes its certificate`);
    } catch (error) {
      if (codeOf(error) !== 'bad-certificate') throw error;
    }
  }
  return said;
}
