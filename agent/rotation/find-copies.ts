import { type Disk, readText } from '../../src/base/disk.ts';
import type { RoleLayout } from '../../src/certificates/layout.ts';
import { recognizer } from '../../src/certificates/recognize.ts';
import {
  findCandidates,
  type PassOver,
  pathsOf,
  readCopy,
  unlessInTrouble,
} from '../../src/files/candidates.ts';
import { type Copies, findCopies, foreseeCopies } from '../../src/files/copies.ts';
import type { LeftCopy } from '../../src/files/pairs.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { signerFiles } from './signing-key.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';

/** Ignores unreadable files: they are reported when they matter. */
const passOver: PassOver = () => undefined;

/** Paths of files with copies, and the copies that stay as they are. */
export type FoundCopies = { paths: readonly string[]; left: readonly LeftCopy[] };

/** Reads the files that may hold copies: those beside the layout's files, and those that kubeconfigs name. */
export const readCopies = async (layout: RoleLayout, disk: Disk, tell: PassOver): Promise<Copies> =>
  await findCopies(
    await findCandidates(disk, layout, tell),
    pathsOf(layout),
    async (path) => await readCopy(disk, path, tell),
    tell,
  );

/**
 * Finds other files that new certificates would change too, also through kubeconfigs, and the copies that would remain.
 *
 * @throws `bad-file` as for readCurrentCertificates
 */
export async function findCopiesOf(
  { layout }: Pick<Node, 'layout'>,
  { disk }: Pick<Hands, 'disk'>,
): Promise<FoundCopies> {
  // An unreadable file of the layout has no copies; replacing it reports the cause.
  const read = async (path: string): Promise<string | undefined> =>
    await unlessInTrouble(path, passOver, async (at) => await readText(disk, at));
  const copies = await readCopies(layout, disk, passOver);
  const found = foreseeCopies(copies, layout, recognizer(await readCurrentCertificates(layout, read)));
  const ofSigner = await signerFiles({ layout }, disk);
  return { ...found, paths: [...found.paths, ...ofSigner.map(({ path }) => path)] };
}
