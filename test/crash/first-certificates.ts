import { type Bench, type LayoutName, readManaged } from './bench.ts';
import { faultsOfSet } from './certificate-set.ts';
import { faultsOfRun } from './ending.ts';
import { distinctPoints } from './points.ts';
import type { Runner } from './run.ts';
import { sideBySide, withRunner } from './sweep.ts';
import { listing, readTree } from './tree.ts';

/** Kills make-cert on a new node at some of its points, runs it again, and reports faults. */
export async function sweepFirstCertificates(
  bench: Bench,
  layout: LayoutName,
  choose: (points: number[]) => number[],
): Promise<{ points: number; findings: { killed: string[]; faults: string[] }[] }> {
  const reference = await withRunner(async (runner) => await makeCert(bench, layout, runner));
  const points = distinctPoints(reference.points);
  const findings =
    reference.faults.length === 0 ? [] : [{ killed: ['not at all'], faults: reference.faults }];
  await sideBySide(choose(points), 3, async (point, runner) => {
    const { points: killed, found, faults } = await makeCert(bench, layout, runner, point);
    faults.push(
      ...found.filter((line) => !reference.found.includes(line)).map((line) => `too much: ${line}`),
    );
    faults.push(...reference.found.filter((line) => !found.includes(line)).map((line) => `missing: ${line}`));
    if (faults.length > 0) findings.push({ killed, faults });
  });
  return { points: points.length, findings };
}

async function makeCert(
  bench: Bench,
  layout: LayoutName,
  runner: Runner,
  killAt?: number,
): Promise<{ points: string[]; found: string[]; faults: string[] }> {
  const { node, cluster } = await bench.createFresh(layout);
  try {
    const killed = killAt === undefined ? undefined : await runner.run(node.root, { killAt }, 'make-cert');
    const last = await runner.run(node.root, {}, 'make-cert');
    const files = await readManaged(node.root);
    const faults = [...faultsOfSet(layout, files), ...faultsOfRun(last)];
    if (last.code !== 0) faults.push(`code ${last.code}: ${last.stdout}${last.stderr}`);
    const ca = layout === 'kubernetes-pki' ? '/etc/kubernetes/pki/ca.crt' : '/etc/kubernetes/certs/ca.crt';
    if (files.get(ca)?.content.trim() !== cluster.ca.kubernetes.trim()) faults.push(`${ca} is not the CA`);
    const found = listing(await readTree(node.root));
    return { points: (killed ?? last).points, found, faults };
  } finally {
    await node.close();
  }
}
