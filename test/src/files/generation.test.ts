import { stat, symlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createDisk } from '../../../src/base/real-disk.ts';
import type { Disk } from '../../../src/base/disk.ts';
import { createGenerations, type Generations } from '../../../src/files/generation.ts';
import type { Journal } from '../../../src/files/journal.ts';
import type { ManagedFile } from '../../../src/files/managed-file.ts';
import { agentErrorOf, faultIn } from '../support/outcome-of.ts';
import { tempRoot, type TempRoot } from '../support/temp-root.ts';
import { Killed, killedAt } from './killed-at.ts';

const STATE = '/var/lib/coe-agent/generation';

const file = (path: string, content = `new ${path}`): ManagedFile => ({
  path,
  content,
  owner: 'kube',
  group: 'kube_etcd',
  mode: 0o440,
  directoryMode: 0o550,
});

/** Two existing files and a new one. */
const FILES = [file('/etc/certs/ca.crt'), file('/etc/certs/server.key'), file('/etc/fresh/made.crt')];

type SetUp = TempRoot & {
  generations: Generations;
  open(disk?: Disk): Generations;
  contents(): Promise<Record<string, string>>;
};

async function setUp(): Promise<SetUp> {
  const temp = await tempRoot();
  await temp.write('/etc/certs/ca.crt', 'old ca', 0o644);
  await temp.write('/etc/certs/server.key', 'old key', 0o400);
  const open = (disk = temp.disk): Generations => createGenerations(disk, STATE, () => ({ uid: 5, gid: 6 }));
  return {
    ...temp,
    open,
    generations: open(),
    contents: async () => {
      const paths = (await temp.files('/etc')).map((path) => path);
      return Object.fromEntries(
        await Promise.all(paths.map(async (path) => [path, await temp.read(path)] as const)),
      );
    },
  };
}

const stage = async (generations: Generations, files = FILES): Promise<Journal> =>
  await generations.stage('d1', files, (changed) => ({ changed }));

const OLD = { '/etc/certs/ca.crt': 'old ca', '/etc/certs/server.key': 'old key' };
const NEW = Object.fromEntries(FILES.map(({ path, content }) => [path, content]));

test('stages files beside their targets, replaces nothing, and records everything in the journal', async () => {
  const { generations, disk, contents } = await setUp();
  const journal = await stage(generations);
  expect(await contents()).toMatchObject(OLD);
  expect(await generations.current()).toEqual(journal);
  expect(journal).toMatchObject({
    runId: 'd1',
    state: 'staging',
    run: { changed: FILES.map(({ path }) => path) },
  });
  for (const { staged } of journal.files) expect(await disk.info(staged)).toMatchObject({ type: 'file' });
  expect(await disk.info(STATE)).toMatchObject({ mode: 0o700 });
});

test('replaces every file on commit, and leaves nothing else once ended and cleared', async () => {
  const { generations, contents, files } = await setUp();
  const committed = await generations.commit(await stage(generations));
  expect(committed.state).toBe('committed');
  expect(await contents()).toEqual(NEW);
  await generations.end(committed, 'ok');
  expect(await generations.current()).toMatchObject({ state: 'ended', run: 'ok' });
  await generations.clear();
  expect(await generations.underWay()).toBe(false);
  expect(await files()).toEqual(Object.keys(NEW).toSorted());
});

test('clears the unfinished journal of a run that was killed while writing it', async () => {
  const { generations, disk, write } = await setUp();
  const path = `${STATE}/.journal.new`;
  await write(path, 'half a jour', 0o600);
  await generations.clear();
  expect(await disk.info(path)).toBeUndefined();
});

test('changes nothing the second time: a correct file is not touched', async () => {
  const { generations, at } = await setUp();
  await generations.commit(await stage(generations));
  await generations.clear();
  const before = await Promise.all(FILES.map(async ({ path }) => await stat(at(path))));
  const journal = await generations.commit(await stage(generations));
  expect(journal).toMatchObject({ files: [], run: { changed: [] } });
  const after = await Promise.all(FILES.map(async ({ path }) => await stat(at(path))));
  expect(after.map(({ ino, ctimeMs }) => [ino, ctimeMs])).toEqual(
    before.map(({ ino, ctimeMs }) => [ino, ctimeMs]),
  );
});

test('keeps owner and mode of a replaced file, and gives a new file and its directory those of the layout', async () => {
  const { generations, disk } = await setUp();
  await generations.commit(await stage(generations));
  expect(await disk.info('/etc/certs/ca.crt')).toMatchObject({ mode: 0o644, uid: 0, gid: 0 });
  expect(await disk.info('/etc/certs/server.key')).toMatchObject({ mode: 0o400, uid: 0 });
  expect(await disk.info('/etc/fresh/made.crt')).toMatchObject({ mode: 0o440, uid: 5, gid: 6 });
  expect(await disk.info('/etc/fresh')).toMatchObject({ mode: 0o550, uid: 5, gid: 6 });
});

test('restores every file with its attributes on revert, and removes a new one', async () => {
  const { generations, disk, contents, files } = await setUp();
  const reverted = await generations.revert(await generations.commit(await stage(generations)));
  expect(reverted.state).toBe('reverted');
  expect(await contents()).toEqual(OLD);
  expect(await disk.info('/etc/certs/server.key')).toMatchObject({ mode: 0o400, uid: 0 });
  await generations.clear();
  expect(await files()).toEqual(Object.keys(OLD));
});

test('keeps SELinux labels on commit and on revert', async () => {
  const { root, open } = await setUp();
  const real = createDisk(root);
  const alike: [string, string | undefined][] = [];
  const generations = open({
    ...real,
    create: async (path, content, attributes) => {
      if (path.startsWith('/etc')) alike.push([path, attributes.like]);
      await real.create(path, content, attributes);
    },
  });
  const [ca, key, made] = [
    ['/etc/certs/.ca.crt.coe-agent', '/etc/certs/ca.crt'],
    ['/etc/certs/.server.key.coe-agent', '/etc/certs/server.key'],
    ['/etc/fresh/.made.crt.coe-agent', '/etc/fresh/made.crt'],
  ];
  await generations.revert(await generations.commit(await stage(generations)));
  // The commit replaces them in parallel, the revert one by one.
  expect(new Set(alike.slice(0, 3))).toEqual(new Set([ca, key, made]));
  expect(alike.slice(3)).toEqual([ca, key]);
});

test('lets only root read the kept copies of private keys', async () => {
  const { generations, disk } = await setUp();
  const journal = await stage(generations);
  for (const { previous } of journal.files)
    if (previous) expect(await disk.info(previous.copy)).toMatchObject({ mode: 0o600 });
  expect(await disk.info(`${STATE}/previous`)).toMatchObject({ mode: 0o700 });
  expect(await disk.info(`${STATE}/journal`)).toMatchObject({ mode: 0o600 });
});

test('replaces the target of a symlink, and keeps the link', async () => {
  const { generations, at, disk, read } = await setUp();
  await symlink('certs/ca.crt', at('/etc/link.crt'));
  const journal = await generations.commit(await stage(generations, [file('/etc/link.crt')]));
  expect(journal.files.map(({ target }) => target)).toEqual(['/etc/certs/ca.crt']);
  expect(await disk.info('/etc/link.crt')).toMatchObject({ type: 'symlink' });
  expect(await read('/etc/certs/ca.crt')).toBe('new /etc/link.crt');
});

test('does not follow a symlink planted in the staging place, on commit or revert', async () => {
  const { generations, at, read, write } = await setUp();
  await write('/secret', 'untouched');
  await symlink('/secret', at('/etc/certs/.ca.crt.coe-agent'));
  const committed = await generations.commit(await stage(generations));
  await symlink('/secret', at('/etc/certs/.ca.crt.coe-agent'));
  await generations.revert(committed);
  expect(await read('/secret')).toBe('untouched');
  expect(await read('/etc/certs/ca.crt')).toBe('old ca');
});

test('rejects a target that is not a file, and stages nothing for the others', async () => {
  const { generations, disk, contents } = await setUp();
  await disk.makeDirectory('/etc/certs/directory', {});
  const staging = stage(generations, [...FILES, file('/etc/certs/directory')]);
  expect(await faultIn(staging)).toEqual({ code: 'disk', reason: 'not-a-file' });
  expect(await contents()).toEqual(OLD);
  expect(await generations.underWay()).toBe(false);
});

test('treats two paths of one file as one file', async () => {
  const { generations, at, contents } = await setUp();
  await symlink('ca.crt', at('/etc/certs/alias.crt'));
  const committed = await generations.commit(
    await stage(generations, [file('/etc/certs/ca.crt', 'same'), file('/etc/certs/alias.crt', 'same')]),
  );
  expect((await contents())['/etc/certs/ca.crt']).toBe('same');
  await generations.revert(committed);
  expect((await contents())['/etc/certs/ca.crt']).toBe('old ca');
});

test('detects a damaged journal, and rebuilds it from the files beside the targets', async () => {
  const { generations, write, read, contents } = await setUp();
  await generations.commit(await stage(generations));
  await write(`${STATE}/journal`, (await read(`${STATE}/journal`)).replace('committed', 'reverting'));
  expect(await generations.underWay()).toBe(true);
  expect((await agentErrorOf(generations.current())).code).toBe('state');
  const rebuilt = await generations.rebuild(Object.keys(OLD), 'salvaged');
  expect(rebuilt).toMatchObject({ run: 'salvaged', state: 'committing' });
  await generations.revert(rebuilt);
  expect(await contents()).toMatchObject(OLD);
});

/** Recovers as the table in journal.ts says. */
async function restart(generations: Generations): Promise<void> {
  const journal = await generations.current();
  if (journal?.state === 'committing') await generations.end(await generations.commit(journal), 'new');
  if (journal?.state === 'reverting') await generations.end(await generations.revert(journal), 'old');
  await generations.clear();
}

/**
 * Runs something with a kill at each step in turn, until it completes. After each restart one of two states must hold.
 */
async function everyKill(
  run: (generations: Generations) => Promise<void>,
  ends: 'old' | 'new',
): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let step = 0; ; step += 1) {
    const { disk, open, contents, files } = await setUp();
    try {
      await run(open(killedAt(step, disk)));
      expect(step).toBeGreaterThan(10);
      return seen;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    // The restart is killed at its second step too, and then repeated.
    await restart(open(killedAt(1, disk))).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    });
    await restart(open());
    const result = await contents();
    const isOld = JSON.stringify(result) === JSON.stringify(OLD);
    if (!isOld) expect([step, result]).toEqual([step, NEW]);
    seen.add(isOld ? 'old' : 'new');
    // The next record overwrites a temporary one that was never renamed.
    const left = (await files()).filter((path) => !path.endsWith('/.journal.new'));
    expect([step, left]).toEqual([step, Object.keys(isOld ? OLD : NEW).toSorted()]);
    if (step > 200) throw new Error(`it never ends as ${ends}`);
  }
}

describe('killed at any step', () => {
  test('completes or undoes a rotation entirely', async () => {
    const seen = await everyKill(async (generations) => {
      await generations.end(await generations.commit(await stage(generations)), 'new');
      await generations.clear();
    }, 'new');
    expect(seen).toEqual(new Set(['old', 'new']));
  }, 60_000);

  test('completes a revert', async () => {
    await everyKill(async (generations) => {
      await generations.end(
        await generations.revert(await generations.commit(await stage(generations))),
        'old',
      );
      await generations.clear();
    }, 'old');
  }, 60_000);
});
