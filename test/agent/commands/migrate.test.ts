import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CONFIG_PATH } from '../../../agent/config.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { parseObject } from '../../cloud/exchange.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { deployment } from '../../src/support/deployments.ts';

const cloud = await cloudForFile();

const OLD = 'os-collect-config.service';
const NEW = 'coe-agent.service';
const LOCK = 'run/coe-agent/lock';

/**
 * A systemctl with a file for each unit that is active or installed. It records each change, and whether the lock of the
 * node is held meanwhile.
 */
const systemctl = (root: string): string => `#!/bin/sh
cd ${root}/units || exit 1
case "$1" in
show) [ -e "$3" ] || { echo LoadState=not-found; exit; }
  printf 'LoadState=loaded\\nActiveState=%s\\nUnitFileState=enabled\\nMainPID=1\\nControlGroup=/x\\n' "$(cat "$3")";;
kill) ;;
*) for unit do :; done
  mkdir -p ${root}/run/coe-agent
  flock -n ${root}/${LOCK} true && held=free || held=locked
  echo "$held $1 $unit" >> ${root}/done
  case "$1" in start) echo active > $unit;; disable) echo inactive > $unit;; esac;;
esac
`;

/** Makes a node whose units have these states. */
async function nodeWith(units: Readonly<Record<string, 'active' | 'inactive'>>): Promise<Site> {
  const site = await createSite(cloud, { bare: true, config: { collectors: ['local'] } });
  const { root, write } = site.node;
  await write('usr/bin/systemctl', systemctl(root), 0o755);
  await write('sys/fs/cgroup/x/cgroup.procs', '1\n');
  await write('units/.keep', '');
  for (const [unit, state] of Object.entries(units)) await write(`units/${unit}`, state);
  await appendFile(join(root, 'done'), '');
  return site;
}

async function migrate(site: Site, ...options: string[]) {
  const { code, stdout } = await cli(site, ['migrate', '--json', ...options]);
  const said = parseObject(stdout);
  const steps: unknown = said?.['steps'];
  const codes = (Array.isArray(steps) ? steps : []).map((one: { code: string; of?: string }) =>
    [one.code, one.of].filter(Boolean).join(' '),
  );
  const done = (await site.node.read('done')).trim().split('\n').filter(Boolean);
  return { code, said, codes, done };
}

const BOTH = { [OLD]: 'active', [NEW]: 'inactive' } as const;
const STEPS = [`let-finish ${OLD}`, 'take-over-ids', `disable-now ${OLD}`, `enable-and-start ${NEW}`];

test('--dry-run lists the steps, and changes nothing', async () => {
  const site = await nodeWith(BOTH);
  const before = await site.files('/');
  expect(await migrate(site, '--dry-run')).toMatchObject({ code: 0, codes: STEPS, done: [] });
  expect(await site.files('/')).toEqual(before);
});

test('stops the predecessor under the lock, and starts the daemon after its release', async () => {
  const site = await nodeWith(BOTH);
  const { code, codes, done } = await migrate(site);
  expect({ code, codes }).toEqual({ code: 0, codes: STEPS });
  expect(done).toEqual([`locked disable ${OLD}`, `free enable ${NEW}`, `free start ${NEW}`]);
});

test('starts no daemon on a node that does not have its unit', async () => {
  const site = await nodeWith({ [OLD]: 'active' });
  const { code, done } = await migrate(site);
  expect(code).toBe(0);
  expect(done).toEqual([`locked disable ${OLD}`]);
});

test('--back stops the daemon before it takes the lock, and then starts the predecessor', async () => {
  const site = await nodeWith(BOTH);
  await migrate(site);
  const before = (await site.node.read('done')).trim().split('\n').length;
  const { code, done } = await migrate(site, '--back');
  expect(code).toBe(0);
  expect(done.slice(before)).toEqual([
    `free disable ${NEW}`,
    `locked disable ${NEW}`,
    `locked enable ${OLD}`,
    `locked start ${OLD}`,
  ]);
});

test('--back --dry-run leaves the daemon running', async () => {
  const site = await nodeWith(BOTH);
  await migrate(site);
  const { done } = await migrate(site);
  const again = await migrate(site, '--back', '--dry-run');
  expect(again.codes).toContain(`enable-and-start ${OLD}`);
  expect(again.done).toEqual(done);
});

test('--back leaves the daemon running if a result is not acknowledged', async () => {
  const site = await nodeWith({ [NEW]: 'active' });
  const { ledger } = await site.start();
  await ledger.accept(deployment());
  const { code, said, done } = await migrate(site, '--back');
  expect(said).toMatchObject({ error: { code: 'not-yet', reason: 'unacknowledged' } });
  expect(code).not.toBe(0);
  expect(done).toEqual([]);
});

test('fails on a node without systemd, and writes no configuration', async () => {
  const site = await nodeWith({});
  await rm(join(site.node.root, 'usr/bin/systemctl'));
  const before = await site.node.read(CONFIG_PATH);
  expect((await migrate(site)).said).toMatchObject({ error: { code: 'unit', reason: 'systemctl-missing' } });
  expect(await site.node.read(CONFIG_PATH)).toBe(before);
});
