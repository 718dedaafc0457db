import { createKubernetes } from '../fakes/kubernetes.ts';
import { type Bench, type Case, readManaged } from './bench.ts';
import { faultsAfterKill } from './after-kill.ts';
import { blocksIn, faultsOfSet, fingerprintOf, layoutOf } from './certificate-set.ts';
import { faultsOfRun, unitFaults } from './ending.ts';
import { distinctPoints } from './points.ts';
import { sample, share } from './random.ts';
import type { Run, Runner } from './run.ts';
import { sideBySide, withRunner } from './sweep.ts';
import { listing, readTree } from './tree.ts';

export type AutoPhase = 'reissue' | 'retire';

/** Kills an automatic phase at some of its points, lets the node complete the rotation, and reports faults. */
export async function sweepAutoPhase(
  bench: Bench,
  phase: AutoPhase,
  choose: (points: number[]) => number[],
): Promise<{ points: number; findings: { killed: string[]; faults: string[] }[] }> {
  const reference = await withRunner(async (runner) => await goOn(bench, phase, runner));
  const points = distinctPoints(reference.points);
  const chosen = choose(points);
  const findings =
    reference.faults.length === 0 ? [] : [{ killed: ['not at all'], faults: reference.faults }];
  await sideBySide(sample(chosen, Math.ceil(chosen.length * share)), 3, async (point, runner) => {
    const { killed, found, faults } = await goOn(bench, phase, runner, point);
    faults.push(
      ...found.filter((line) => !reference.found.includes(line)).map((line) => `too much: ${line}`),
      ...reference.found.filter((line) => !found.includes(line)).map((line) => `missing: ${line}`),
    );
    if (faults.length > 0) findings.push({ killed: killed ?? [], faults });
  });
  return { points: points.length, findings };
}

async function goOn(
  bench: Bench,
  phase: AutoPhase,
  runner: Runner,
  killAt?: number,
): Promise<{ points: string[]; killed: string[] | undefined; found: string[]; faults: string[] }> {
  const one = await bench.createCase('kubernetes-certs', phase);
  const { root } = one.node;
  const kubernetes = createKubernetes();
  const name = one.cluster.heatParams('master')['INSTANCE_NAME'] ?? '';
  kubernetes.core.put('nodes', '', name, { metadata: { annotations: {} } });
  one.node.units.serve('kube-apiserver', kubernetes.listener);
  try {
    await one.node.configure({ rotation: { phase: 'auto' } });
    const first = await runner.run(root, { killAt }, 'advance-once');
    const faults = [...faultsOfRun(first), ...(await faultsAfterKill(one))];
    const runs: Run[] = [first];
    if (killAt === undefined && first.code !== 0) faults.push('no step was taken');
    runs.push(await runner.run(root, {}, 'advance'));
    if (runs.at(-1)?.code !== 0) faults.push('the rotation does not end');
    faults.push(...runs.slice(1).flatMap(faultsOfRun), ...(await faultsOfEnd(one)));
    // The process after the killed one also withdraws the announcement of the step.
    const left = JSON.stringify(kubernetes.core.find('nodes', '', name));
    if (left !== JSON.stringify({ metadata: { annotations: {} } })) faults.push(`the Node says ${left}`);
    if (faults.length > 0)
      faults.push(...runs.map(({ code, stdout, stderr }) => `${code}: ${stdout}${stderr}`));
    const found = listing(await readTree(root));
    return { points: first.points, killed: first.killed ? first.points : undefined, found, faults };
  } finally {
    await one.close();
  }
}

/** Expects only Magnum's CAs to be trusted, certificates of them, and units that present these. */
async function faultsOfEnd(one: Case): Promise<string[]> {
  const { layout, cluster, node } = one;
  const files = await readManaged(node.root);
  const faults = [...faultsOfSet(layout, files), ...(await unitFaults(one, files))];
  for (const { ca, file } of layoutOf(layout).authorities) {
    const served = cluster.ca[ca === 'etcd' || ca === 'front-proxy' ? ca : 'kubernetes'];
    const found = blocksIn(files.get(file.path)?.content ?? '').map(fingerprintOf);
    if (found.join() !== fingerprintOf(served)) faults.push(`${file.path} holds other CAs`);
  }
  return faults;
}
