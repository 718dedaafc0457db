import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, expect, onTestFinished, test } from 'vitest';

/** Ignition's configuration specification 3, restricted to the parts in Magnum's user data. */

const IGNITION = join(import.meta.dirname, '../../scripts/cluster.d/ignition.py');

let folder: string;
let programs: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coe-ignition-'));
  programs = await mkdtemp(join(tmpdir(), 'coe-programs-'));
  onTestFinished(async () => {
    for (const path of [folder, programs]) await rm(path, { recursive: true });
  });
  await writeFile(join(programs, 'systemctl'), `#!/bin/sh\necho "$@" >>"${programs}/enabled"\n`);
  await chmod(join(programs, 'systemctl'), 0o755);
});

type UserData = { directories?: object[]; files?: object[]; units?: object[] };

const apply = async ({ directories = [], files = [], units = [] }: UserData, reject = true) =>
  await execa('python3', ['-B', IGNITION, folder], {
    input: JSON.stringify({ storage: { directories, files }, systemd: { units } }),
    env: { PATH: `${programs}:${process.env['PATH']}` },
    reject,
  });

const source = (url: string): { source: string } => ({ source: url });
const file = (path: string, rest: object): object => ({ path, mode: 0o644, ...rest });

test.each([
  ['percent-encoded', 'data:,a%20b%0A%C3%A4', 'a b\nä'],
  ['base64', 'data:text/plain;charset=utf-8;base64,YSBiCg==', 'a b\n'],
  ['empty', 'data:,', ''],
])('writes a file whose contents are %s', async (_, url, text) => {
  await apply({ files: [file('/etc/new/file', { contents: source(url) })] });
  expect(await readFile(join(folder, 'etc/new/file'), 'utf8')).toBe(text);
});

test('appends each part to the contents', async () => {
  const parts = ['data:,two%0A', 'data:;base64,dGhyZWU='].map(source);
  await apply({ files: [file('/etc/list', { contents: source('data:,one%0A'), append: parts })] });
  expect(await readFile(join(folder, 'etc/list'), 'utf8')).toBe('one\ntwo\nthree');
});

const modeOf = async (path: string): Promise<string> =>
  ((await stat(join(folder, path))).mode & 0o777).toString(8);

test('reads a mode as a decimal number', async () => {
  await apply({
    directories: [{ path: '/srv/magnum', mode: 448 }],
    files: [{ path: '/etc/secret', mode: 384, contents: source('data:,x') }],
  });
  expect([await modeOf('srv/magnum'), await modeOf('etc/secret')]).toEqual(['700', '600']);
});

test('enables only the units to be enabled', async () => {
  const contents = '[Service]\nExecStart=/bin/true\n';
  await apply({
    units: [
      { name: 'on.service', contents, enabled: true },
      { name: 'off.service', contents, enabled: false },
      { name: 'none.service', contents },
    ],
  });
  for (const name of ['on', 'off', 'none'])
    expect(await readFile(join(folder, `etc/systemd/system/${name}.service`), 'utf8')).toBe(contents);
  const asked = await readFile(join(programs, 'enabled'), 'utf8');
  expect(asked).toBe(`--root=${folder} --quiet enable on.service\n`);
});

test.each([
  ['has to be fetched', { contents: source('https://10.0.0.1/file') }],
  ['is compressed', { contents: { source: 'data:,x', compression: 'gzip' } }],
])('rejects a file that %s', async (_, rest) => {
  const { exitCode } = await apply({ files: [file('/etc/file', rest)] }, false);
  expect(exitCode).not.toBe(0);
});
