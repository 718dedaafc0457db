import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { clusterFolder, machineNames, takeDown, variable } from './magnum-cluster.ts';

/** Shuts the cluster down, and so runs last (scripts/test). */

/** Processes that refer to a folder by their arguments, working directory or root. */
async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter(
    (name) => /^\d+$/.test(name) && name !== `${process.pid}`,
  )) {
    const at = join('/proc', pid);
    const facts = [
      readFile(join(at, 'cmdline'), 'utf8'),
      readFile(join(at, 'mountinfo'), 'utf8'),
      readlink(join(at, 'cwd')),
      readlink(join(at, 'root')),
    ];
    // A process may have ended by now, and kernel threads have no directories.
    const known = (await Promise.allSettled(facts)).flatMap((fact) =>
      fact.status === 'fulfilled' ? [fact.value] : [],
    );
    if (known.some((fact) => fact.includes(folder))) found.push(`${pid} ${known[0]?.replaceAll('\0', ' ')}`);
  }
  return found;
}

const controlGroups = async (): Promise<string[]> =>
  (await readdir('/sys/fs/cgroup', { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

const networks = async (): Promise<string> =>
  (await execa('ip', ['-brief', 'address'])).stdout + (await execa('ip', ['route'])).stdout;

test('leaves nothing of a cluster behind', async () => {
  const folder = clusterFolder();
  const machines = await machineNames();
  const gateway = await variable('COE_CLUSTER_GATEWAY');
  const subnet = gateway.slice(0, gateway.lastIndexOf('.') + 1);
  expect(await processesOf(folder)).not.toEqual([]);
  expect(await networks()).toContain(subnet);
  expect(await controlGroups()).toEqual(expect.arrayContaining(machines));

  await takeDown();

  expect(await processesOf(folder)).toEqual([]);
  expect(await networks()).not.toContain(subnet);
  expect(await readFile('/proc/mounts', 'utf8')).not.toContain(folder);
  expect((await controlGroups()).filter((name) => machines.includes(name))).toEqual([]);
});
