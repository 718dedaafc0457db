import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { ETCD_LIST, listOf } from '../scenarios/support/lists.ts';
import { type Bench, unitsOf } from './bench.ts';
import { bodies, runUntilDone } from './script-case.ts';
import { askUnits } from './socket-systemctl.ts';

/** Makes a master whose etcd uses a list, with a request for a newer one. */
async function withList(bench: Bench) {
  const { cluster, node } = await bench.createFresh('kubernetes-certs');
  onTestFinished(node.close);
  const { code, stderr } = await node.agent('make-cert');
  if (code !== 0) throw new Error(`make-cert: ${stderr}`);
  const [old, wanted] = [
    await listOf({ cluster }, { number: 1 }),
    await listOf({ cluster }, { number: 2, serials: ['66'] }),
  ];
  await node.write(ETCD_LIST, old.der, 0o440);
  node.units.goByList('etcd', ETCD_LIST);
  for (const unit of unitsOf('kubernetes-certs'))
    await askUnits(join(node.root, 'run/units.sock'), 'restart', unit);
  bench.cloud.deploy(cluster, 'master-0', {
    group: 'coe-revoke',
    inputs: [{ name: 'crl', type: 'String' }],
    values: { crl: wanted.pem },
  });
  const told = (): unknown[] => bodies(bench.cloud.signals.filter(({ stack }) => stack === cluster.name));
  return { node, wanted, told };
}

/** Kills the agent at steps of a revocation, each time on a new node, and returns the number of steps. */
export async function sweepRevocation(
  bench: Bench,
  choose: (kills: readonly number[]) => number[],
): Promise<number> {
  const run = async (killAt?: number): Promise<string[]> => {
    const { node, wanted, told } = await withList(bench);
    const points = await runUntilDone(node.root, { killAt }, () => told().length > 0);
    const when = `killed at ${killAt}: ${points.at(-1)}`;
    expect(told(), when).toEqual([
      expect.objectContaining({ deploy_status_code: 0, deploy_stderr: '' }) as unknown,
    ]);
    const at = (...path: string[]): string => join(node.root, ...path);
    expect((await readFile(at(ETCD_LIST))).equals(wanted.der), when).toBe(true);
    expect(await readdir(at('etc/etcd/certs')), when).not.toContain('.client.crl.coe-agent');
    expect(await readdir(at('var/lib/coe-agent/generation')), when).not.toContain('journal');
    return points;
  };
  const points = await run();
  const kills = choose(points.map((_, index) => index + 1));
  const work = async (): Promise<void> => {
    for (let killAt = kills.shift(); killAt !== undefined; killAt = kills.shift()) await run(killAt);
  };
  await Promise.all([work(), work()]);
  return points.length;
}
