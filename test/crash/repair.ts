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

/** `repair` makes a renewal with the same CA, `rollback` goes back from it to the certificates that are kept. */
export type RepairVerb = 'repair' | 'rollback';

/** Kills a verb at some of its points, runs it again, and reports faults. */
export async function sweepRepair(
  bench: Bench,
  choose: (points: number[]) => number[],
  verb: RepairVerb = 'repair',
): Promise<{ points: number; findings: { killed: string[]; faults: string[] }[] }> {
  const reference = await withRunner(async (runner) => await repair(bench, runner, verb));
  const points = distinctPoints(reference.points);
  const findings =
    reference.faults.length === 0 ? [] : [{ killed: ['not at all'], faults: reference.faults }];
  await sideBySide(choose(points), 3, async (point, runner) => {
    const { killed, found, faults } = await repair(bench, runner, verb, point);
    faults.push(
      ...found.filter((line) => !reference.found.includes(line)).map((line) => `too much: ${line}`),
      ...reference.found.filter((line) => !found.includes(line)).map((line) => `missing: ${line}`),
    );
    if (faults.length > 0) findings.push({ killed: killed ?? [], faults });
  });
  return { points: points.length, findings };
}

const JOURNAL = '/var/lib/coe-agent/generation/journal';
const CA = '/etc/kubernetes/certs/ca.crt';
const SERVER = '/etc/kubernetes/certs/server.crt';

type Renewable = Pick<Case, 'node' | 'layout' | 'work' | 'old' | 'credentials'> & {
  /** The first certificates of the node. */
  first: Case['old'];
};

/** Makes a master with certificates of its own cluster, whose public address has changed since. */
async function createRenewable(bench: Bench, runner: Runner, verb: RepairVerb): Promise<Renewable> {
  const layout = 'kubernetes-certs';
  const { node, cluster } = await bench.createFresh(layout);
  const made = await runner.run(node.root, {}, 'make-cert');
  if (made.code !== 0) throw new Error(`make-cert: ${made.stdout}${made.stderr}`);
  for (const { unit } of layoutOf(layout).units)
    await askUnits(join(node.root, 'run/units.sock'), 'restart', unit);
  const params = cluster.heatParams('master', { KUBE_NODE_PUBLIC_IP: '203.0.113.77' });
  const lines = Object.entries(params).map(([key, value]) => `${key}="${value}"\n`);
  await node.write('/etc/sysconfig/heat-params', lines.join(''));
  const first = await readManaged(node.root);
  if (verb === 'rollback') {
    const renewed = await runner.run(node.root, {}, 'repair');
    if (renewed.code !== 0) throw new Error(`repair: ${renewed.stdout}${renewed.stderr}`);
  }
  return { node, layout, work: 'all', old: await readManaged(node.root), first, credentials: undefined };
}

async function repair(
  bench: Bench,
  runner: Runner,
  verb: RepairVerb,
  killAt?: number,
): Promise<{ points: string[]; killed: string[] | undefined; found: string[]; faults: string[] }> {
  const one = await createRenewable(bench, runner, verb);
  const { node } = one;
  try {
    const faults: string[] = [];
    let killed: Run | undefined;
    if (killAt !== undefined) {
      killed = await runner.run(node.root, { killAt }, verb);
      faults.push(...faultsOfRun(killed), ...(await faultsAfterKill(one)));
    }
    // Run once more, a finished way back would lead to the renewed certificates.
    const last =
      killed && verb === 'rollback' && (await isBack(one)) ? killed : await runner.run(node.root, {}, verb);
    if (last !== killed) {
      faults.push(...faultsOfRun(last));
      if (last.code !== 0) faults.push(`code ${last.code}: ${last.stdout}${last.stderr}`);
    }
    faults.push(...(await (verb === 'repair' ? faultsOfRepair(one) : faultsOfWayBack(one))));
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

/** The first certificates are in place, nothing is under way, and the units present them. */
async function faultsOfWayBack(one: Renewable): Promise<string[]> {
  const files = await readManaged(one.node.root);
  const faults = [...faultsOfSet(one.layout, files), ...(await unitFaults(one, files))];
  for (const [path, { content }] of one.first)
    if (files.get(path)?.content !== content) faults.push(`${path} is not the former one`);
  return faults;
}

async function isBack(one: Renewable): Promise<boolean> {
  const isUnderWay = (await readTree(one.node.root)).has(JOURNAL);
  return !isUnderWay && (await faultsOfWayBack(one)).length === 0;
}
