import { expect, test } from 'vitest';
import type { Disk } from '../../../src/base/disk.ts';
import { createGenerations, type Generations } from '../../../src/files/generation.ts';
import type { ManagedFile } from '../../../src/files/managed-file.ts';
import { tempRoot, type TempRoot } from '../support/temp-root.ts';
import { Killed, killedAt } from './killed-at.ts';

/** Rotates a node where an earlier rotation is stuck. The files that were proven last must survive. */

const STATE = '/var/lib/coe-agent/generation';
const CA = '/etc/certs/ca.crt';
const KEY = '/etc/certs/server.key';
const ACCOUNT = '/etc/certs/sa.key';
const MADE = '/etc/fresh/made.crt';

const PROVEN = { [CA]: 'proven ca', [KEY]: 'proven key', [ACCOUNT]: 'proven account' };
/** The half-replaced files that the stuck rotation has left. */
const MIXED = { [CA]: 'stuck ca', [KEY]: 'proven key', [ACCOUNT]: 'stuck account', [MADE]: 'stuck made' };
/** The next rotation brings no service-account keys. */
const NEXT = { [CA]: 'next ca', [KEY]: 'next key', [MADE]: 'stuck made' };

const managed = (contents: Record<string, string>): ManagedFile[] =>
  Object.entries(contents).map(([path, content]) => ({
    path,
    content,
    owner: 'kube',
    group: 'kube_etcd',
    mode: 0o440,
    directoryMode: 0o550,
  }));

type Stuck = TempRoot & { open(disk?: Disk): Generations; contents(): Promise<Record<string, string>> };

async function stuckNode(): Promise<Stuck> {
  const temp = await tempRoot();
  for (const [path, content] of Object.entries(PROVEN)) await temp.write(path, content, 0o640);
  const open = (disk = temp.disk): Generations => createGenerations(disk, STATE, () => ({ uid: 5, gid: 6 }));
  const files = managed({ ...MIXED, [KEY]: 'stuck key' });
  const committed = await open().commit(await open().stage('first', files, () => 'first run'));
  await open().stick(committed, 'first run');
  // One file was restored before the roll-back ended, and another partly.
  await temp.write(KEY, 'proven key', 0o640);
  await temp.write('/etc/certs/.sa.key.coe-agent', 'half', 0o600);
  const contents = async (): Promise<Record<string, string>> => {
    const paths = await temp.files('/etc');
    return Object.fromEntries(
      await Promise.all(paths.map(async (path) => [path, await temp.read(path)] as const)),
    );
  };
  return { ...temp, open, contents };
}

const stageNext = async (generations: Generations): ReturnType<Generations['stage']> =>
  await generations.stage('second', managed(NEXT), (changed) => ({ changed }));

test('replaces the files, and leaves nothing of either rotation', async () => {
  const { open, contents, files } = await stuckNode();
  const staged = await stageNext(open());
  expect(staged.run).toEqual({ changed: [CA, KEY] });
  await open().end(await open().commit(staged), 'ok');
  await open().clear();
  expect(await contents()).toEqual({ ...MIXED, ...NEXT });
  expect(await files()).toEqual(Object.keys(MIXED).toSorted());
});

test('restores the proven files on failure, not those of the stuck rotation', async () => {
  const { open, contents, disk } = await stuckNode();
  const reverted = await open().revert(await open().commit(await stageNext(open())));
  expect(reverted.state).toBe('reverted');
  expect(await contents()).toEqual(PROVEN);
  expect(await disk.info(ACCOUNT)).toMatchObject({ mode: 0o640 });
});

test('leaves the earlier rotation stuck when it is abandoned before the first replacement', async () => {
  const { open, contents, disk } = await stuckNode();
  const before = await open().current();
  await stageNext(open());
  await open().clear();
  expect(await open().current()).toEqual(before);
  expect(await contents()).toEqual(MIXED);
  expect(await disk.list(`${STATE}/previous`)).toHaveLength(3);
  const stuck = await open().current();
  if (stuck) await open().revert(stuck);
  expect(await contents()).toEqual(PROVEN);
});

test('can still restore the proven files when it gets stuck as well', async () => {
  const { open, contents } = await stuckNode();
  const stuck = await open().stick(await open().commit(await stageNext(open())), 'second run');
  expect(stuck).not.toHaveProperty('over.runId');
  await open().revert(await open().stick(await open().commit(await stageNext(open())), 'third run'));
  expect(await contents()).toEqual(PROVEN);
});

/** Recovers as the table in journal.ts says. */
async function restart(generations: Generations): Promise<void> {
  const journal = await generations.current();
  if (journal?.state === 'committing') await generations.end(await generations.commit(journal), 'new');
  if (journal?.state === 'reverting') await generations.end(await generations.revert(journal), 'old');
  if (journal?.state !== 'stuck') await generations.clear();
}

test('killed at any step, leaves the node stuck as before or with the new files, and keeps the proven ones until then', async () => {
  const ends = new Set<string>();
  for (let step = 0; ; step += 1) {
    const { disk, open, contents } = await stuckNode();
    let killed = false;
    try {
      const dying = open(killedAt(step, disk));
      await dying.end(await dying.commit(await stageNext(dying)), 'new');
      await dying.clear();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      killed = true;
    }
    // The restart is killed at its second step too, and then repeated.
    await restart(open(killedAt(1, disk))).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    });
    await restart(open());
    const left = await open().current();
    ends.add(left?.state ?? 'new');
    if (left) {
      expect([step, left]).toMatchObject([step, { state: 'stuck', runId: 'first', run: 'first run' }]);
      await open().revert(left);
      expect([step, await contents()]).toEqual([step, PROVEN]);
    } else expect([step, await contents()]).toEqual([step, { ...MIXED, ...NEXT }]);
    if (!killed) break;
    if (step > 200) throw new Error('it never ends');
  }
  expect(ends).toEqual(new Set(['stuck', 'new']));
}, 60_000);

test('killed at any step of its roll-back, ends with the proven files', async () => {
  for (let step = 0; ; step += 1) {
    const { disk, open, contents } = await stuckNode();
    const committed = await open().commit(await stageNext(open()));
    let killed = false;
    try {
      const dying = open(killedAt(step, disk));
      await dying.end(await dying.revert(committed), 'old');
      await dying.clear();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      killed = true;
    }
    const journal = await open().current();
    if (journal?.state === 'committed') await open().end(await open().revert(journal), 'old');
    await restart(open());
    expect([step, await contents()]).toEqual([step, PROVEN]);
    if (!killed) break;
  }
}, 60_000);
