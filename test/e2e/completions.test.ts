import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verbs } from '../../scripts/build.d/verbs.ts';
import { type BuiltPackage, buildPackage } from './package.ts';
import { type Shells, shellsFor } from './shells.ts';

/** Completion of the Debian package, in real shells that find it by the name of the program. */

const ALL = verbs();

let built: BuiltPackage;
let shells: Shells;
beforeAll(async () => {
  built = await buildPackage();
  const [root, home] = [join(built.folder, 'root'), join(built.folder, 'home')];
  await execa('dpkg-deb', ['--extract', built.debian, root]);
  await mkdir(home);
  shells = await shellsFor(root, home);
});
afterAll(async () => {
  await built?.close();
});

const sorted = (words: readonly string[]): string[] => words.toSorted();

describe.each(['bash', 'zsh', 'fish'] as const)('%s', (shell) => {
  test.each(['coe-agent', 'agent'])('completes the verbs of %s', async (program) => {
    const offers = await shells[shell](`${program} `);
    expect(offers).toEqual(expect.arrayContaining(ALL.map(({ name }) => name)));
    expect(await shells[shell](`${program} doc`)).toEqual(['doctor']);
    expect(sorted(await shells[shell](`${program} --`))).toEqual(['--help', '--version']);
  });

  test('completes the options of each verb, and no others', async () => {
    for (const { name, options } of ALL) {
      const offers = await shells[shell](`agent ${name} --`);
      expect([name, sorted(offers)]).toEqual([name, sorted(options.map(({ long }) => long))]);
    }
  });

  test('completes the words after a verb and after an option', async () => {
    const actions = (await shells[shell]('agent rotation ')).filter((offer) => !offer.startsWith('-'));
    expect(sorted(actions)).toEqual(['continue', 'finish', 'hold']);
    expect(await shells[shell]('agent rotation fi')).toEqual(['finish']);
    expect(await shells[shell]('agent status --log-level d')).toEqual(['debug']);
    expect(await shells[shell]('agent help unit')).toEqual(['unit-paths']);
  });

  test('completes files', async () => {
    expect(await shells[shell]('agent revoke --crl /etc/hostn')).toEqual([
      expect.stringMatching(/^(?:\/etc\/)?hostname$/),
    ]);
  });
});
