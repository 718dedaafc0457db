import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asRoot, attachDrive } from './drive.ts';

/** What the agent, which is root on a node, finds; `none` where there is no drive, or an error's code and errno. */
const read = async (): Promise<string> => {
  const folder = join(import.meta.dirname, '../../src');
  const code = `const { readByLabel } = await import('${folder}/metadata/config-drive.ts');
    const { codeOf, errnoOf } = await import('${folder}/base/errors.ts');
    const found = await readByLabel(new AbortController().signal)
      .catch((error) => [codeOf(error), errnoOf(error)].join(' '));
    console.log(found ?? 'none');`;
  return await asRoot(process.execPath, '--input-type=module', '--eval', code);
};

test.each(['config-2', 'CONFIG-2'])(
  'a config drive is found by its label %s, read, and left as it was',
  async (label) => {
    expect(await read()).toBe('none');
    await attachDrive(label, { 'ec2/latest/meta-data.json': '{"local-ipv4": "10.0.0.5"}' });
    expect(await read()).toBe('{"local-ipv4": "10.0.0.5"}');
    expect(await asRoot('mount')).not.toContain('coe-config-drive-');
  },
);

test('one without the metadata says so', async () => {
  await attachDrive('config-2', { 'openstack/latest/meta_data.json': '{}' });
  expect(await read()).toBe('not-yet ENOENT');
});
