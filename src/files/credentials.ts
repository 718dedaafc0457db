import { basename, dirname } from 'node:path';
import type { Disk } from '../base/disk.ts';
import type { Remark } from '../base/remark.ts';
import type { CredentialRow } from '../certificates/layout.ts';
import { type PassOver, readBeside } from './candidates.ts';
import { type Change, changeCredentials, formatOf } from './credential-file.ts';
import type { ManagedFile } from './managed-file.ts';

/** What changing the credentials of a node comes to. */
export type CredentialFiles = {
  /** Those that change. */
  files: ManagedFile[];
  /** The units that read one of them. */
  units: ReadonlySet<string>;
  /** What is left for a person to see to. */
  notices: CredentialNotice[];
};

/** `of` is the file. */
export type CredentialNotice = Remark<'credentials-left' | 'credentials-read-by-others' | 'reader-unknown'>;

/**
 * Every file of the node that holds its login to OpenStack, with another one in it: heat-params, those of its layout, and
 * others beside them that hold the former trust or password.
 */
export async function changeCredentialFiles(
  disk: Disk,
  heatParams: string,
  rows: readonly CredentialRow[],
  change: Change,
  passOver: PassOver,
): Promise<CredentialFiles> {
  const files = new Map<string, ManagedFile>();
  const units = new Set<string>();
  const notices: CredentialNotice[] = [];
  const known = new Set<string>();

  const own: CredentialRow = { file: heatParams, format: 'shell', units: [] };
  for (const row of [own, ...rows]) {
    const path = await disk.resolve(row.file);
    // One may be a symlink to another.
    const isAgain = known.has(path);
    known.add(path);
    if ((await disk.info(path))?.type !== 'file') continue;
    const found = await disk.snapshot(path);
    if (!found) continue;
    const { content: before, id } = found;
    const { content, left } = changeCredentials(before, row.format, change, row === own);
    if (!isAgain) notices.push(...left.map(({ text }) => notice('credentials-left', row.file, text)));
    if (content.equals(before)) continue;
    files.set(path, managed(path, content, id));
    for (const unit of row.units) units.add(unit);
    if (row.others !== undefined)
      notices.push(notice('credentials-read-by-others', row.file, `is also read by others: ${row.others}`));
  }

  const directories = [heatParams, ...rows.map(({ file }) => file)].map((file) => dirname(file));
  for (const [path, { content: before, id }] of await readBeside(disk, directories, known, passOver)) {
    if (!holdsOld(before, change) || isStaged(path)) continue;
    const format = isCopyOfBefore(path) ? undefined : formatOf(before.toString('latin1'));
    const { content, left } = format
      ? changeCredentials(before, format, change, false)
      : { content: before, left: [{ text: 'holds the former credentials, and is left alone' }] };
    notices.push(...left.map(({ text }) => notice('credentials-left', path, text)));
    if (content.equals(before)) continue;
    files.set(path, managed(path, content, id));
    notices.push(
      notice(
        'reader-unknown',
        path,
        'held the former credentials too: who reads it is not known, and not restarted',
      ),
    );
  }
  return { files: [...files.values()], units, notices };
}

const notice = (code: CredentialNotice['code'], of: string, text: string): CredentialNotice => ({
  code,
  of,
  text: `${of} ${text}`,
});

/** Owner and mode are those of what is there: none of these files is ever made. */
const managed = (path: string, content: Buffer, madeFrom: string): ManagedFile => ({
  path,
  content,
  madeFrom,
  owner: 'root',
  group: 'root',
  mode: 0o600,
  directoryMode: 0o755,
});

/** Too short for a secret, or for an id, says nothing about whoever holds it. */
const SHORTEST = 8;

const holdsOld = (content: Buffer, { old, fresh }: Change): boolean =>
  (['trust', 'password'] as const).some(
    (key) => old[key] !== fresh[key] && old[key].length >= SHORTEST && content.includes(old[key]),
  );

/** Of a generation that is stuck; see generation.ts. */
const isStaged = (path: string): boolean => path.endsWith('.coe-agent');

/** An editor's, a package manager's or a careful person's. */
const isCopyOfBefore = (path: string): boolean =>
  /~$|^\.|\.(?:bak|old|orig|save|backup|rpmsave|rpmnew|dpkg-\w+|\d+)$/i.test(basename(path));
