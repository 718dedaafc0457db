import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { bashCompletion, fishCompletion, zshCompletion } from '../../scripts/build.d/completions.ts';
import { manualPages } from '../../scripts/build.d/manual.ts';
import { verbs } from '../../scripts/build.d/verbs.ts';

const run = promisify(execFile);
const ALL = verbs();

async function fileOf(name: string, content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coe-completion-'));
  onTestFinished(async () => {
    await rm(folder, { recursive: true });
  });
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** Returns what a real bash offers for the last of some words. */
async function completed(...words: string[]): Promise<string[]> {
  const path = await fileOf('coe-agent', bashCompletion(ALL));
  const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _coe_agent; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', script, 'bash', path, 'coe-agent', ...words]);
  return stdout.trim().split('\n');
}

test('completes a verb, its options, and enumerable values in bash', async () => {
  expect(await completed('doc')).toEqual(['doctor']);
  expect(await completed('rev')).toEqual(['revoke']);
  expect(await completed('revoke', '--pre')).toEqual(['--prepare']);
  expect(await completed('certs', '--pre')).toEqual(['']);
  expect(await completed('rotation', 'h')).toEqual(['hold']);
  expect(await completed('status', '--log-level', 'd')).toEqual(['debug']);
});

test('completes files for a file option in bash', async () => {
  const path = await fileOf('list.pem', '');
  expect(await completed('revoke', '--crl', path.slice(0, -3))).toEqual([path]);
});

test('gives every shell every verb and option, and each verb a man page', () => {
  const pages = manualPages(ALL, '1.2.3');
  expect([...pages.keys()]).toHaveLength(ALL.length + 1);
  for (const { name, words, options, examples, exits } of ALL) {
    const page = (pages.get(`coe-agent-${name}.8`) ?? '').replaceAll('\\-', '-');
    for (const completion of [bashCompletion, zshCompletion, fishCompletion])
      expect(completion(ALL)).toContain(name);
    for (const word of words.flat()) {
      expect(page).toContain(word);
      for (const completion of [bashCompletion, zshCompletion, fishCompletion])
        expect(completion(ALL)).toContain(word);
    }
    for (const { long, flags } of options) {
      expect(page).toContain(flags);
      expect(bashCompletion(ALL)).toContain(long);
      expect(zshCompletion(ALL)).toContain(`${long}[`);
      expect(fishCompletion(ALL)).toContain(`-l ${long.slice(2)}`);
    }
    expect([examples.length, exits.length > 1]).toEqual([2, true]);
    for (const [command] of examples) expect(page).toContain(command);
  }
});

test('renders the man pages with groff without warnings, if it is installed', async ({ skip }) => {
  const has = await run('groff', ['--version']).catch(() => undefined);
  if (!has) skip();
  for (const [name, page] of manualPages(ALL, '1.2.3')) {
    const path = await fileOf(name, page);
    const { stderr } = await run('groff', ['-man', '-Tascii', '-ww', '-z', path]);
    expect(stderr).toBe('');
  }
});
