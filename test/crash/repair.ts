import { join } from 'node:path';
import { type Bench, type Case, readManaged } from './bench.ts';
import { faultsAfterKill } from './after-kill.ts';
import { faultsOfSet, fingerprintOf, layoutOf } from './certificate-set.ts';
import { faultsOfRun, unitFaults } from './ending.ts';
import { distinctPoints } from './points.ts';
import type { Run, Runner } from './run.ts';
import { askUnits } from './socket-systemctl.ts';
import { sideBySide, withRunner } from './sweep.ts';
import { listing, readTree } from './tree.ts';

/** Kills a renewal with the same CA (`agent repair`) at some of its points, runs it again, and reports faults. */
export async function sweepRepair(
  bench: Bench,
  choose: (points: number[]) => number[],
): Promise<{ points: number; findings: { killed: string[]; faults: string[] }[] }> {
  const reference = await withRunner(async (runner) => await repair(bench, runner));
  const points = distinctPoints(reference.points);
  const findings =
    reference.faults.length === 0 ? [] : [{ killed: ['not at all'], faults: reference.faults }];
  await sideBySide(choose(points), 3, async (point, runner) => {
    const { killed, found, faults } = await repair(bench, runner, point);
    faults.push(
      ...found.filter((line) => !reference.found.includes(line)).map((line) => `too much: ${line}`),
      ...reference.found.filter((line) => !found.includes(line)).map((line) => `missing: ${line}`),
    );
    if (faults.length > 0) findings.push({ killed: killed ?? [], faults });
  });
  return { points: points.length, findings };
}

const CA = '/etc/kubernetes/certs/ca.crt';
const SERVER = '/etc/kubernetes/certs/server.crt';

type Renewable = Pick<Case, 'node' | 'layout' | 'work' | 'old' | 'credentials'>;

/** Makes a master with certificates of its own cluster, whose public address has changed since. */
async function createRenewable(bench: Bench, runner: Runner): Promise<Renewable> {
  const layout = 'kubernetes-certs';
  const { node, cluster } = await bench.createFresh(layout);
  const made = await runner.run(node.root, {}, 'make-cert');
  if (made.code !== 0) throw new Error(`make-cert: ${made.stdout}${made.stderr}`);
  for (const { unit } of layoutOf(layout).units)
    await askUnits(join(node.root, 'run/units.sock'), 'restart', unit);
  const params = cluster.heatParams('master', { KUBE_NODE_PUBLIC_IP: '203.0.113.77' });
  const lines = Object.entries(params).map(([key, value]) => `${key}="${value}"\n`);
  await node.write('/etc/sysconfig/heat-params', lines.join(''));
  return { node, layout, work: 'all', old: await readManaged(node.root), credentials: undefined };
}

async function repair(
  bench: Bench,
  runner: Runner,
  killAt?: number,
): Promise<{ points: string[]; killed: string[] | undefined; found: string[]; faults: string[] }> {
  const one = await createRenewable(bench, runner);
  const { node } = one;
  try {
    const faults: string[] = [];
    let killed: Run | undefined;
    if (killAt !== undefined) {
      killed = await runner.run(node.root, { killAt }, 'repair');
      faults.push(...faultsOfRun(killed), ...(await faultsAfterKill(one)));
    }
    const last = await runner.run(node.root, {}, 'repair');
    faults.push(...faultsOfRun(last), ...(await faultsOfRepair(one)));
    if (last.code !== 0) faults.push(`code ${last.code}: ${last.stdout}${last.stderr}`);
    const found = listing(await readTree(node.root));
    return { points: (killed ?? last).points, killed: killed?.points, found, faults };
  } finally {
    await node.close();
  }
}

/** Expects the same CA, new certificates, and units that present them. */
async function faultsOfRepair(one: Renewable): Promise<string[]> {
  const { old } = one;
  const files = await readManaged(one.node.root);
  const faults = [...faultsOfSet(one.layout, files), ...(await unitFaults(one, files))];
  if (files.get(CA)?.content !== old.get(CA)?.content) faults.push('the CA is another one');
  const [before, now] = [old, files].map((from) => fingerprintOf(from.get(SERVER)?.content ?? ''));
  if (before === now) faults.push('the certificates are the old ones');
  return faults;
}
