import { AgentError } from '../base/errors.ts';
import type { Layout, Role } from './layout.ts';
import { kubeadm } from './layouts/kubeadm.ts';
import { kubernetesCerts } from './layouts/kubernetes-certs.ts';
import { kubernetesPki } from './layouts/kubernetes-pki.ts';
import { swarm } from './layouts/swarm.ts';
import type { Values } from './template.ts';

/** The built-in layouts, in the order in which they are tried. */
export const BUILT_IN: readonly Layout[] = [swarm, kubernetesCerts, kubeadm, kubernetesPki];

/** A layout, and why it was chosen, for `agent plan`. */
export type ChosenLayout = { layout: Layout; why: string };

/**
 * Chooses the configured layout, or else the first layout whose evidence the node has: heat-params first, then files. A
 * node without evidence gets make-cert.sh's layout.
 *
 * @param own the operator's layouts; tried before the built-in ones
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
    throw new AgentError('config', `unknown layout ${wanted}; known layouts: ${known}`, {
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

/** Maps NODEGROUP_ROLE (`master`, `worker`, or the name of an additional worker group) to a role. */
export const roleOf = (nodegroupRole: string): Role => (nodegroupRole === 'master' ? 'master' : 'worker');
