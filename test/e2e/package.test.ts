import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuiltPackage, buildPackage } from './package.ts';

/** The content of a package, which is equal wherever and whenever it is built. */

let one: BuiltPackage;
let other: BuiltPackage;
let unpacked: string;
beforeAll(async () => {
  one = await buildPackage();
  other = await buildPackage({ TZ: 'Asia/Kathmandu', LC_ALL: 'C', HOME: '/nonexistent' }, '077');
  unpacked = join(one.folder, 'unpacked');
  await mkdir(unpacked);
  await execa('tar', ['-C', unpacked, '-xzf', one.tarball]);
});
afterAll(async () => {
  await one?.close();
  await other?.close();
});

const inside = (name: string): string => join(unpacked, 'coe-agent', name);

const Bill = v.object({
  bomFormat: v.literal('CycloneDX'),
  specVersion: v.literal('1.6'),
  components: v.array(v.object({ name: v.string(), version: v.string() })),
});

test('is built byte for byte identically, for any builder, place and time zone', async () => {
  const sums = await readFile(join(one.folder, 'SHA256SUMS'), 'utf8');
  expect(sums.trim().split('\n')).toHaveLength(2);
  expect(await readFile(join(other.folder, 'SHA256SUMS'), 'utf8')).toBe(sums);
  await execa('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: one.folder });
});

test('does not reveal its builder, place or time', async () => {
  const { stdout } = await execa('tar', [
    '--list',
    '--verbose',
    '--numeric-owner',
    '--full-time',
    '-f',
    one.tarball,
  ]);
  const entries = stdout.split('\n').map((line) => line.split(/\s+/));
  expect(new Set(entries.map(([, owner]) => owner))).toEqual(new Set(['0/0']));
  expect(new Set(entries.map(([, , , day, time]) => `${day} ${time}`)).size).toBe(1);
  const { exitCode } = await execa('grep', ['-rlF', join(import.meta.dirname, '../..'), inside('lib')], {
    reject: false,
  });
  expect(exitCode, 'paths of the builder in the program').toBe(1);
});

test('contains the checksums of all its files', async () => {
  await execa('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: inside('.') });
  const listed = (await readFile(inside('SHA256SUMS'), 'utf8')).trim().split('\n').length;
  const files = (await readdir(inside('.'), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  expect(listed).toBe(files.length - 1);
});

test('is executable and readable by all users, and writable only by root', async () => {
  const entries = await readdir(inside('.'), { recursive: true, withFileTypes: true });
  const modes = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return [entry, relative(inside('.'), path), ((await stat(path)).mode & 0o777).toString(8)] as const;
    }),
  );
  const programs = ['agent', 'setup', 'node'];
  for (const [entry, path, mode] of modes)
    expect([path, mode]).toEqual([path, entry.isDirectory() || programs.includes(path) ? '755' : '644']);
});

test('runs with nothing but itself: no modules, no Node, no environment', async () => {
  const { stdout } = await execa(inside('agent'), ['--version'], {
    env: { PATH: '/usr/bin:/bin' },
    extendEnv: false,
  });
  expect(stdout).toBe((await readFile(inside('VERSION'), 'utf8')).trim());
  // The caller cannot change how the program runs.
  const { stderr } = await execa(inside('agent'), ['--version'], {
    env: { NODE_OPTIONS: '--trace-exit --require=/nonexistent.js' },
  });
  expect(stderr).toBe('');
});

test('lists every package of the program in the bill of materials, each with its licence', async () => {
  const { components } = v.parse(Bill, JSON.parse(await readFile(inside('sbom.cdx.json'), 'utf8')));
  const names = components.map(({ name }) => name);
  // The program contains the sources' imports.
  const project = join(import.meta.dirname, '../..');
  const manifest = await readFile(join(project, 'package.json'), 'utf8');
  const { dependencies } = v.parse(
    v.object({ dependencies: v.record(v.string(), v.string()) }),
    JSON.parse(manifest),
  );
  const { stdout } = await execa('grep', ['-rhoE', "(from|import\\() ?'[^.'][^']*'", 'agent', 'src'], {
    cwd: project,
  });
  const used = Object.entries(dependencies).filter(([name]) => stdout.includes(`'${name}'`));
  expect(used.length).toBeGreaterThan(5);
  for (const [name, version] of used)
    expect(components).toContainEqual(expect.objectContaining({ name, version }));
  const licences = await readdir(inside('licences'));
  const without = names.filter(
    (name) => !licences.some((file) => file.startsWith(`${name.replace('/', '+')}.`)),
  );
  expect(without).toEqual([expect.stringMatching(/^node-linux-/)]);
  expect(licences).toEqual(expect.arrayContaining(['coe-agent', 'node']));
});

test("the Debian package has the same files, its units in systemd's place, and its dependencies", async () => {
  const root = join(one.folder, 'debian');
  await execa('dpkg-deb', ['--extract', one.debian, root]);
  await execa('diff', ['-r', join(root, 'opt/coe-agent'), inside('.')]);
  for (const name of ['coe-agent.service', 'coe-agent-make-cert.service', 'coe-agent-config-drive.service'])
    await execa('cmp', [join(root, 'usr/lib/systemd/system', name), inside(`systemd/${name}`)]);
  const { stdout } = await execa('dpkg-deb', ['--field', one.debian, 'Depends', 'Version']);
  expect(stdout).toContain('libatomic1');
  expect(stdout).toContain((await readFile(inside('VERSION'), 'utf8')).trim());
});

test('the Debian package is clean by lintian, and has nothing in /usr/local', async () => {
  const { stdout } = await execa('lintian', ['--allow-root', '--fail-on', 'error,warning', one.debian], {
    reject: false,
  });
  expect(stdout).toBe('');
  const { stdout: files } = await execa('dpkg-deb', ['--contents', one.debian]);
  expect(files).not.toContain('/usr/local');
  for (const path of [
    'bin/coe-agent -> /opt/coe-agent/agent',
    'share/bash-completion/completions/coe-agent',
    'share/man/man8/coe-agent-doctor.8.gz',
  ])
    expect(files).toContain(`./usr/${path}`);
});

test('needs library versions no newer than declared', async () => {
  const runtime = (await readFile(inside('node'))).toString('latin1');
  const newest = (prefix: string): string | undefined =>
    [...runtime.matchAll(new RegExp(`${prefix}_([0-9.]+)\\0`, 'g'))]
      .map(([, version = '']) => version)
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .at(-1);
  const { stdout: depends } = await execa('dpkg-deb', ['--field', one.debian, 'Depends']);
  expect(depends).toContain(`libc6 (>= ${newest('GLIBC')})`);
  // GLIBCXX_3.4.21 came with GCC 5 (libstdc++'s own list of versions).
  expect(newest('GLIBCXX')).toBe('3.4.21');
  expect(depends).toContain('libstdc++6 (>= 5)');
});
