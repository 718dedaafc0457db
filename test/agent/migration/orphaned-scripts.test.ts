import { expect, test } from 'vitest';
import { orphanedScripts } from '../../../agent/migration/orphaned-scripts.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

async function orphans(...paths: string[]): Promise<string[]> {
  const { disk, write } = await tempRoot();
  for (const path of paths) await write(path, '');
  return (await orphanedScripts(disk)).toSorted();
}

test('a node without os-refresh-config has none', async () => {
  expect(await orphans()).toEqual([]);
});

// The files of Debian's os-collect-config and heat-agents.
test.each([
  '/usr/libexec/os-refresh-config/configure.d/20-os-apply-config',
  '/usr/libexec/os-refresh-config/configure.d/55-heat-config',
  '/opt/stack/os-config-refresh/configure.d/55-heat-config',
  '/usr/libexec/os-apply-config/templates/etc/os-collect-config.conf',
  '/usr/libexec/os-apply-config/templates/var/run/heat-config/heat-config',
])('%s is replaced by the agent', async (path) => {
  expect(await orphans(path)).toEqual([]);
});

test.each([
  '/usr/libexec/os-refresh-config/configure.d/50-heat-config-docker-cmd',
  '/usr/libexec/os-refresh-config/post-configure.d/99-own',
  '/opt/stack/os-config-refresh/pre-configure.d/10-own',
  '/usr/libexec/os-refresh-config/migration.d/10-own',
  '/usr/libexec/os-apply-config/templates/etc/own.conf',
  // Not the agent's, whatever its name.
  '/usr/libexec/os-refresh-config/post-configure.d/55-heat-config',
])('%s is left without a program that runs it', async (path) => {
  expect(await orphans(path)).toEqual([path]);
});

test('other files of os-refresh-config are no scripts', async () => {
  expect(await orphans('/usr/libexec/os-refresh-config/README', '/usr/libexec/other/configure.d/1')).toEqual(
    [],
  );
});
