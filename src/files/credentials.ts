import { basename, dirname } from 'node:path';
import type { Disk } from '../base/disk.ts';
import type { Remark } from '../base/remark.ts';
import type { CredentialRow } from '../certificates/layout.ts';
import { type PassOver, readBeside } from './candidates.ts';
import { type Change, changeCredentials, formatOf } from './credential-file.ts';
import type { ManagedFile } from './managed-file.ts';

/** The result of changing a node's credentials. */
export type CredentialFiles = {
  /** The changed files. */
  files: ManagedFile[];
  /** The units that read at least one of them. */
  units: ReadonlySet<string>;
  /** Files and values that an operator has to check. */
  notices: CredentialNotice[];
};

/** `of` is the file. */
export type CredentialNotice = Remark<'credentials-left' | 'credentials-read-by-others' | 'reader-unknown'>;

/**
 * Replaces the node's OpenStack credentials in every file that contains them: heat-params, the files of its layout, and
 * files beside them that contain the former trust or password.
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
    // One path may be a symlink to another.
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
      : { content: before, left: [{ text: 'contains the former credentials: left unchanged' }] };
    notices.push(...left.map(({ text }) => notice('credentials-left', path, text)));
    if (content.equals(before)) continue;
    files.set(path, managed(path, content, id));
    notices.push(
      notice(
        'reader-unknown',
        path,
        'contained the former credentials: its readers are unknown and not restarted',
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

/** These files always exist, so owner and mode are those of the existing file. */
const managed = (path: string, content: Buffer, madeFrom: string): ManagedFile => ({
  path,
  content,
  madeFrom,
  owner: 'root',
  group: 'root',
  mode: 0o600,
  directoryMode: 0o755,
});

/** A shorter secret or id may occur in a file by chance. */
export const isTelling = (value: string): boolean => value.length >= 8;

const holdsOld = (content: Buffer, { old, fresh }: Change): boolean =>
  (['trust', 'password'] as const).some(
    (key) => old[key] !== fresh[key] && isTelling(old[key]) && content.includes(old[key]),
  );

/** Staged by a generation that is stuck; see generation.ts. */
const isStaged = (path: string): boolean => path.endsWith('.coe-agent');

/** Backup of an editor, a package manager or a person. */
const isCopyOfBefore = (path: string): boolean =>
  /~$|^\.|\.(?:bak|old|orig|save|backup|rpmsave|rpmnew|dpkg-\w+|\d+)$/i.test(basename(path));
