import { AgentError } from '../base/errors.ts';
import type { Layout, Role } from './layout.ts';
import { kubeadm } from './layouts/kubeadm.ts';
import { kubernetesCerts } from './layouts/kubernetes-certs.ts';
import { kubernetesPki } from './layouts/kubernetes-pki.ts';
import { swarm } from './layouts/swarm.ts';
import type { Values } from './template.ts';

/** Every layout that comes with the program, in the order in which a node is looked at. */
export const BUILT_IN: readonly Layout[] = [swarm, kubernetesCerts, kubeadm, kubernetesPki];

/** A layout and, for `agent plan`, why it is this one. */
export type ChosenLayout = { layout: Layout; why: string };

/**
 * The configured layout, or the first whose evidence the node has, in heat-params before files; a node that has none
 * yet gets make-cert.sh's.
 *
 * @param own the operator's layouts; they are looked at before those that come with the program
 */
export async function chooseLayout(
  wanted: string,
  own: readonly Layout[],
  params: Values,
  exists: (path: string) => Promise<boolean>,
): Promise<ChosenLayout> {
  const layouts = [...own, ...BUILT_IN];
  if (wanted !== 'auto') {
    const layout = layouts.find(({ name }) => name === wanted);
    if (layout) return { layout, why: 'configured' };
    const known = layouts.map(({ name }) => name).join(', ');
    throw new AgentError('config', `there is no layout ${wanted}; there are ${known}`, {
      reason: 'unknown-layout',
    });
  }
  for (const layout of layouts) {
    const key = layout.evidence.params.find((name) => params.get(name));
    if (key !== undefined) return { layout, why: `heat-params has ${key}` };
  }
  for (const layout of layouts)
    for (const path of layout.evidence.files)
      if (await exists(path)) return { layout, why: `the node has ${path}` };
  return { layout: kubernetesCerts, why: 'the node has no certificates yet' };
}

/** NODEGROUP_ROLE as Magnum writes it (`master`, `worker`, or the name of an own worker group). */
export const roleOf = (nodegroupRole: string): Role => (nodegroupRole === 'master' ? 'master' : 'worker');
