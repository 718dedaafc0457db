import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { takeLock } from '../../../src/base/lock.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { parseObject } from '../../cloud/exchange.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

test('is critical without a daemon, and OK after a pass of a running one', async () => {
  // On a slow machine, three intervals of the test's own polls may pass between two verbs.
  const site = await createSite(cloud, { config: { poll: { min_seconds: 1, max_seconds: 3600 } } });
  await cli(site, ['run-once']);
  const without = await cli(site, ['status', '--check']);
  expect(without.code).toBe(2);
  expect(without.stdout).toMatch(/^COE-AGENT CRITICAL - the daemon does not run \| last_pass=\d+s;/);
  const plain = await cli(site, ['status', '--json']);
  expect(plain.code).toBe(1);
  expect(parseObject(plain.stdout)).toMatchObject({ health: [{ code: 'daemon-down', level: 'critical' }] });
  // A single pass by hand is not a daemon.
  const lockPath = join(site.node.root, 'run/coe-agent/lock');
  const other = await takeLock(lockPath, 'run-once', 4711);
  expect((await cli(site, ['status', '--check'])).code).toBe(2);
  await other.release();
  const lock = await takeLock(lockPath, 'run', 4711);
  onTestFinished(lock.release);
  // Certificates of the embedded cloud are valid for more than a month.
  const { code, stdout } = await cli(site, ['status', '--check']);
  expect(stdout).toMatch(/^COE-AGENT OK - .*certificate_days=\d+;30:;7:\n$/);
  expect(code).toBe(0);
  const well = await cli(site, ['status', '--json']);
  expect(well.code).toBe(0);
  expect(parseObject(well.stdout)).toMatchObject({ health: [] });
  expect((await cli(site, ['status'])).code).toBe(0);
});

test('is unknown on a node without a valid configuration', async () => {
  const site = await createSite(cloud);
  await site.node.write('/etc/coe-agent/agent.yaml', 'nonsense: 1\n');
  const { code, stdout } = await cli(site, ['status', '--check']);
  expect(code).toBe(3);
  expect(stdout).toMatch(/^COE-AGENT UNKNOWN - [^\n]+\n$/);
});
