import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Case, readManaged } from './bench.ts';
import { faultsOfSet, type Files } from './certificate-set.ts';
import type { Entry } from './tree.ts';

/** The fields of the journal on which the guarantee depends, read without the program's own code. */
const Journal = v.object({
  state: v.string(),
  files: v.array(
    v.object({
      target: v.string(),
      staged: v.string(),
      previous: v.nullable(v.object({ copy: v.string() })),
    }),
  ),
});
type Journal = v.InferOutput<typeof Journal>;

export async function readJournal(root: string): Promise<Journal | undefined> {
  const text = await readFile(join(root, 'var/lib/coe-agent/generation/journal'), 'utf8').catch(
    () => undefined,
  );
  return text === undefined ? undefined : v.parse(Journal, JSON.parse(text.split('\n')[0] ?? ''));
}

/**
 * Checks the guarantee right after a kill, before any recovery. Before the commit record, every file is old. After it,
 * every file is whole, old or new, and both generations exist until the result is known.
 */
export async function faultsAfterKill(
  one: Pick<Case, 'node' | 'layout' | 'work' | 'old' | 'credentials'>,
): Promise<string[]> {
  const { node, layout, work, old } = one;
  const journal = await readJournal(node.root);
  const files = await readManaged(node.root);
  const several = work !== 'all';
  const faults: string[] = [];
  if (journal === undefined || journal.state === 'ended') {
    if (!isOld(files, old))
      faults.push(...faultsOfSet(layout, files, { several }), ...faultsOfCredentials(one, files));
    return faults;
  }
  if (journal.state === 'staging' || journal.state === 'reverted') {
    if (!isOld(files, old)) faults.push(`${journal.state}, but not every file is the old one`);
    return faults;
  }
  // The program's own files are not the node's.
  for (const { target, staged, previous } of journal.files.filter((one) => one.target.startsWith('/etc/'))) {
    const before = old.get(target);
    const now = files.get(target);
    const copy = previous
      ? await readFile(join(node.root, previous.copy), 'utf8').catch(() => undefined)
      : undefined;
    if (copy !== before?.content) faults.push(`${journal.state}: the copy of ${target} is gone`);
    const isStillOld = now?.content === before?.content;
    if (journal.state === 'committing' && isStillOld && !files.has(staged))
      faults.push(`committing: ${target} is old, and the new one is gone`);
    if (journal.state === 'committed' && isStillOld) faults.push(`committed: ${target} is still old`);
  }
  if (journal.state === 'committed')
    faults.push(...faultsOfSet(layout, files, { several }), ...faultsOfCredentials(one, files));
  return faults;
}

/** Whether every file from before is unchanged. */
export const isOld = (files: Files, old: ReadonlyMap<string, Entry>): boolean =>
  [...old].every(([path, entry]) => JSON.stringify(files.get(path)) === JSON.stringify(entry));

/** Checks whether every file contains the new credentials, if these were requested. */
export const faultsOfCredentials = (
  { credentials = {} }: Pick<Case, 'credentials'>,
  files: Files,
): string[] =>
  Object.entries(credentials).flatMap(([path, text]) =>
    files.get(path)?.content === text ? [] : [`${path} does not hold the new credentials`],
  );
