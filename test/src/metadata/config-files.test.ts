import { expect, test } from 'vitest';
import { CONFIG_FILES, configFilesOf, writeConfigFiles } from '../../../src/metadata/config-files.ts';
import type { Said } from '../../../src/metadata/decode.ts';
import { tempRoot } from '../support/temp-root.ts';

const data = (name: string, config: unknown) => ({ name, group: 'os-apply-config', config });
const namesOf = (said: readonly Said[]): string[] =>
  configFilesOf(said).map(({ path }) => path.slice(`${CONFIG_FILES}/`.length));

test("gives the files os-collect-config's names and order", () => {
  const said: Said[] = [
    { source: '/var/lib/heat-cfntools/cfn-init-data', collector: 'heat_local', metadata: {} },
    {
      source: 'cfn server.Metadata',
      collector: 'cfn',
      metadata: { deployments: [data('ntp', { a: 1 }), { name: 'work', group: 'script', config: {} }] },
    },
    { source: '/var/lib/os-collect-config/local-data/a.json', collector: 'local', metadata: {} },
  ];
  expect(namesOf(said)).toEqual(['heat_local.json', 'cfn.json', 'ntp.json', 'a.json.json']);
  expect(configFilesOf(said)[2]?.text).toBe('{"a": 1}');
});

test('writes two sources with the same name to two files, inside the directory', () => {
  const deployments = [
    'cfn',
    'cfn',
    '../../etc/passwd',
    'a:b',
    '.hidden',
    '..',
    'os_config_files',
    'x'.repeat(999),
  ];
  const metadata = { deployments: deployments.map((name) => data(name, {})) };
  expect(namesOf([{ source: 'cfn server.Metadata', collector: 'cfn', metadata }])).toEqual([
    'cfn.json',
    'cfn-2.json',
    'cfn-3.json',
    'passwd.json',
    'a_b.json',
    'hidden.json',
    'metadata.json',
    'os_config_files-2.json',
    `${'x'.repeat(200)}.json`,
  ]);
});

test('lets only the owner read the files and their list, and replaces the former ones', async () => {
  const { disk, at, read } = await tempRoot();
  for (const value of [1, 2]) {
    const files = configFilesOf([{ source: 'heat', collector: 'heat', metadata: { value } }]);
    await writeConfigFiles(files, disk, at);
    expect(await read(`${CONFIG_FILES}/heat.json`)).toBe(`{"value": ${value}}`);
  }
  expect(JSON.parse(await read(`${CONFIG_FILES}/os_config_files.json`))).toEqual([
    at(`${CONFIG_FILES}/heat.json`),
  ]);
  for (const name of ['heat', 'os_config_files'])
    expect(await disk.info(`${CONFIG_FILES}/${name}.json`)).toMatchObject({ mode: 0o600 });
});
