import { AgentError } from '../base/errors.ts';
import type { Layout, Role } from './layout.ts';
import { kubernetesCerts } from './layouts/kubernetes-certs.ts';
import { kubernetesPki } from './layouts/kubernetes-pki.ts';

/** Every layout that is known, in the order in which a node is looked at. */
const LAYOUTS: readonly Layout[] = [kubernetesCerts, kubernetesPki];

export const LAYOUT_NAMES = ['auto', 'kubernetes-certs', 'kubernetes-pki'] as const;
export type LayoutName = (typeof LAYOUT_NAMES)[number];

/** A layout and, for `agent plan`, why it is this one. */
export type ChosenLayout = { layout: Layout; why: string };

/**
 * The configured layout, or the first whose evidence the node has; a node that has none yet gets
 * make-cert.sh's.
 */
export async function chooseLayout(
  wanted: LayoutName,
  exists: (path: string) => Promise<boolean>,
): Promise<ChosenLayout> {
  if (wanted !== 'auto') {
    const layout = LAYOUTS.find(({ name }) => name === wanted);
    if (!layout) throw new AgentError('config', `there is no layout ${wanted}`);
    return { layout, why: 'configured' };
  }
  for (const layout of LAYOUTS)
    for (const path of layout.evidence)
      if (await exists(path)) return { layout, why: `the node has ${path}` };
  return { layout: kubernetesCerts, why: 'the node has no certificates yet' };
}

/** NODEGROUP_ROLE as Magnum writes it (`master`, `worker`, or the name of an own worker group). */
export const roleOf = (nodegroupRole: string): Role => (nodegroupRole === 'master' ? 'master' : 'worker');
