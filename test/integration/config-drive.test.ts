import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asRoot, attachDrive } from './drive.ts';

/**
 * The metadata that the agent, which is root on a node, finds; `none` without a drive, or an error's code and errno.
 */
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
  'finds a config drive by its label %s, reads it, and leaves it unchanged',
  async (label) => {
    expect(await read()).toBe('none');
    await attachDrive(label, { 'ec2/latest/meta-data.json': '{"local-ipv4": "10.0.0.5"}' });
    expect(await read()).toBe('{"local-ipv4": "10.0.0.5"}');
    expect(await asRoot('mount')).not.toContain('coe-config-drive-');
  },
);

test('reports a drive without metadata', async () => {
  await attachDrive('config-2', { 'openstack/latest/meta_data.json': '{}' });
  expect(await read()).toBe('not-yet ENOENT');
});
