import { mkdir, rename, stat, symlink } from 'node:fs/promises';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Journal, JournalFile } from '../../../src/files/journal.ts';
import type { ManagedFile } from '../../../src/files/managed-file.ts';
import { placesOf, planStaging, refuseOthers, targetOf, writeStaging } from '../../../src/files/staging.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { type TempRoot, tempRoot } from '../support/temp-root.ts';

const PREVIOUS = '/var/lib/coe-agent/generation/previous';
const FILE: ManagedFile = {
  path: '/etc/k/x',
  content: 'new',
  owner: 'kube',
  group: 'kube',
  mode: 0o440,
  directoryMode: 0o755,
};
const OWNER = { uid: 301, gid: 302 };
const NONE: ReadonlyMap<string, JournalFile> = new Map();

const plan = async ({ disk }: TempRoot, over: Partial<ManagedFile> = {}, proven = NONE) =>
  await planStaging(disk, { ...FILE, ...over }, PREVIOUS, () => OWNER, proven);

test('recovers any target path from the name of its copy', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (name) => {
      const target = `/etc/${name}`;
      const { copy } = placesOf(target, PREVIOUS);
      expect(copy.startsWith(`${PREVIOUS}/`)).toBe(true);
      expect(targetOf(copy.slice(PREVIOUS.length + 1))).toBe(target);
    }),
  );
});

describe('staging a file', () => {
  test('uses owner and mode of the layout for a new file, and keeps no copy', async () => {
    expect(await plan(await tempRoot())).toMatchObject({
      entry: { target: '/etc/k/x', staged: '/etc/k/.x.coe-agent', previous: null },
      attributes: { mode: 0o440, ...OWNER },
      keep: undefined,
    });
  });

  test('keeps owner, mode (without set-user-ID) and a copy of the replaced file', async () => {
    const root = await tempRoot();
    await root.write('/etc/k/x', 'old', 0o4640);
    const { uid, gid } = await stat(root.at('/etc/k/x'));
    const attributes = { mode: 0o640, uid, gid };
    expect(await plan(root)).toMatchObject({
      entry: { previous: { attributes } },
      attributes,
      keep: Buffer.from('old'),
    });
  });

  test('skips a file whose content is already right', async () => {
    const root = await tempRoot();
    await root.write('/etc/k/x', 'new', 0o777);
    expect(await plan(root)).toBeUndefined();
    expect(await plan(root, { content: Buffer.from('new') })).toBeUndefined();
  });

  test('follows a symlink', async () => {
    const root = await tempRoot();
    await root.write('/etc/k/real', 'old');
    await symlink('real', root.at('/etc/k/x'));
    expect(await plan(root)).toMatchObject({
      entry: { target: '/etc/k/real', staged: '/etc/k/.real.coe-agent' },
    });
  });

  test('keeps the proven content of a stuck generation, not its leftovers', async () => {
    const root = await tempRoot();
    await root.write('/etc/k/x', 'of the stuck one');
    const previous = { copy: `${PREVIOUS}/first`, attributes: { mode: 0o600, uid: 0, gid: 0 } };
    const known: JournalFile = { target: '/etc/k/x', staged: '/etc/k/.x.coe-agent', previous };
    expect(await plan(root, {}, new Map([['/etc/k/x', known]]))).toMatchObject({
      entry: { previous },
      keep: undefined,
    });
  });

  test('rejects a target that is not a file', async () => {
    const root = await tempRoot();
    await mkdir(root.at('/etc/k/x'), { recursive: true });
    expect(await agentErrorOf(plan(root))).toMatchObject({ code: 'disk' });
  });

  test('rejects content that was made from another file than the present one', async () => {
    const root = await tempRoot();
    await root.write('/etc/k/x', 'old');
    const id = (await root.disk.snapshot('/etc/k/x'))?.id;
    expect(await plan(root, { madeFrom: id })).toBeDefined();
    await root.write('/etc/k/y', 'old');
    await rename(root.at('/etc/k/y'), root.at('/etc/k/x'));
    expect(await agentErrorOf(plan(root, { madeFrom: id }))).toMatchObject({ code: 'disk' });
  });
});

test('rejects a file that took the place of the read one, before any replacement', async () => {
  const root = await tempRoot();
  await root.write('/etc/k/x', 'old');
  await mkdir(root.at(PREVIOUS), { recursive: true });
  const staging = await plan(root);
  if (!staging) throw new Error('there is nothing to stage');
  await writeStaging(root.disk, staging);
  expect(await root.read('/etc/k/.x.coe-agent')).toBe('new');
  expect(await root.read(placesOf('/etc/k/x', PREVIOUS).copy)).toBe('old');
  const journal: Journal = {
    version: 1,
    runId: 'r',
    state: 'staging',
    files: [staging.entry],
    run: undefined,
  };
  await refuseOthers(root.disk, journal);
  await root.write('/etc/k/y', 'old');
  await rename(root.at('/etc/k/y'), root.at('/etc/k/x'));
  expect(await agentErrorOf(refuseOthers(root.disk, journal))).toMatchObject({ code: 'disk' });
  // Once it is renamed into place, nothing remains staged.
  await rename(root.at('/etc/k/.x.coe-agent'), root.at('/etc/k/x'));
  await refuseOthers(root.disk, journal);
});
