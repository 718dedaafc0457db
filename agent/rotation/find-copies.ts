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

/** It is reported when it matters. */
const passOver: PassOver = () => undefined;

/** Files by their paths, and what stays as it is in them or in others. */
export type FoundCopies = { paths: readonly string[]; left: readonly LeftCopy[] };

/** The files that may hold copies: beside those of the layout, and wherever kubeconfigs lead. */
export const readCopies = async (layout: RoleLayout, disk: Disk, tell: PassOver): Promise<Copies> =>
  await findCopies(
    await findCandidates(disk, layout, tell),
    pathsOf(layout),
    async (path) => await readCopy(disk, path, tell),
    tell,
  );

/**
 * The files beside those of the layout that new certificates would change as well, wherever kubeconfigs lead, and the
 * copies that they would leave.
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
