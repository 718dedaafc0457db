import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { AGENT } from '../fakes/program.ts';
import { eventually } from './support/eventually.ts';
import { createSite, type Site } from './support/site.ts';

/** The terminal, or the reader of a verb's output, disappears while the verb runs. */
const cloud = await cloudForFile();

/** Starts the program in its own process group, as a shell does. */
function start({ node }: Site, verb: string, stdout: 'pipe' | number = 'pipe'): ChildProcess {
  const child = spawn(process.execPath, [...AGENT, verb, '--root', node.root], {
    stdio: ['ignore', stdout, 'pipe'],
    env: node.env,
    detached: true,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function endOf(
  child: ChildProcess,
  event: 'exit' | 'close',
): Promise<[code: number | null, by: NodeJS.Signals | null]> {
  await once(child, event);
  return [child.exitCode, child.signalCode];
}

async function rotatingSite(): Promise<Site> {
  const site = await createSite(cloud);
  await cloud.rotateCa(site.cluster);
  return site;
}

/** Delays each restart until a file exists. @returns the file that the first restart writes, and the awaited one */
async function slowRestarts({ node: { root } }: Site): Promise<{ begun: string; go: string }> {
  const program = join(root, 'usr/bin/systemctl');
  const [begun, go] = [join(root, 'begun'), join(root, 'go')];
  await rename(program, `${program}.real`);
  const wait = `if [ "$1" = restart ]; then touch ${begun}; until [ -e ${go} ]; do sleep 0.05; done; fi`;
  await writeFile(program, `#!/bin/sh\n${wait}\nexec ${program}.real "$@"\n`, { mode: 0o755 });
  return { begun, go };
}

const isThere = async (site: Site, path: string): Promise<boolean> =>
  await site.node.read(path.replace(site.node.root, '')).then(
    () => true,
    () => false,
  );

test('run-once completes the rotation although its reader is gone', async () => {
  const site = await rotatingSite();
  const child = start(site, 'run-once');
  child.stdout?.destroy();
  child.stderr?.destroy();
  const [code] = await endOf(child, 'exit');
  expect(code).toBe(0);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
});

test('a read-only verb ends quietly when its reader is gone', async () => {
  const site = await createSite(cloud);
  const child = start(site, 'certs');
  child.stdout?.destroy();
  const said = text(child.stderr ?? Readable.from([]));
  const [code] = await endOf(child, 'close');
  expect([code, await said]).toEqual([0, '']);
});

test('reports another write error, and does not exit with success', async () => {
  const site = await createSite(cloud);
  const full = openSync('/dev/full', 'w');
  onTestFinished(() => {
    closeSync(full);
  });
  const child = start(site, 'certs', full);
  const said = text(child.stderr ?? Readable.from([]));
  const [code] = await endOf(child, 'close');
  expect(code).toBe(1);
  expect(await said).toContain('ENOSPC');
});

test.each([
  ['SIGHUP', 'a terminal that is closed', ['SIGHUP', 'SIGHUP']],
  ['SIGINT', 'Ctrl-C', ['SIGINT']],
] as const)("%s in the middle of a restart, by %s, completes the node's run", async (_, __, signals) => {
  const site = await rotatingSite();
  const { begun, go } = await slowRestarts(site);
  const child = start(site, 'run-once');
  await eventually('a unit is restarted', async () => await isThere(site, begun));
  // To each process of its group, as the kernel and the shell do.
  for (const signal of signals) process.kill(-(child.pid ?? 0), signal);
  child.stdout?.destroy();
  await writeFile(go, '');
  const [code, by] = await endOf(child, 'exit');
  // It stops before it answers, which is all that the next run does.
  expect([code, by]).toEqual([1, null]);
  expect(site.restarts()).toEqual(['kubelet', 'kube-proxy']);
  expect((await site.node.agent('run-once')).code).toBe(0);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  expect(site.restarts()).toEqual(['kubelet', 'kube-proxy']);
});

test('SIGHUP before any replacement stops, and the next run does the work', async () => {
  const site = await rotatingSite();
  const hang = cloud.fault({ service: 'magnum', method: 'POST', effect: { kind: 'hang' } });
  onTestFinished(() => {
    cloud.clearFaults();
  });
  const child = start(site, 'run-once');
  await eventually('Magnum is asked', () => hang.hits > 0);
  process.kill(-(child.pid ?? 0), 'SIGHUP');
  const [code, by] = await endOf(child, 'exit');
  expect([code, by]).toEqual([1, null]);
  expect(site.signals()).toEqual([]);
  cloud.clearFaults();
  expect((await site.node.agent('run-once')).code).toBe(0);
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
});

test('agent rollback completes when its terminal is closed', async () => {
  const site = await createSite(cloud);
  const before = await site.files('/etc/kubernetes');
  site.node.units.breakUnit('kubelet', 'is not well');
  await cloud.rotateCa(site.cluster);
  const killed = start(site, 'run-once');
  await eventually('kubelet is restarted', () => site.restarts().length > 0);
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  site.node.units.mend('kubelet');
  const { begun, go } = await slowRestarts(site);
  const child = start(site, 'rollback');
  await eventually('a unit is restarted', async () => await isThere(site, begun));
  process.kill(-(child.pid ?? 0), 'SIGHUP');
  await writeFile(go, '');
  const [code, by] = await endOf(child, 'exit');
  expect([code, by]).toEqual([0, null]);
  expect(await site.files('/etc/kubernetes')).toEqual(before);
});
