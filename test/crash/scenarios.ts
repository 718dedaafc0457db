import type { Work } from './bench.ts';
import type { Scenario } from './kill.ts';

/** The rotations for sweeps. */
export const IN_FILES: Scenario = { layout: 'kubernetes-certs', fails: false };
export const IN_KUBECONFIGS: Scenario = { layout: 'kubernetes-pki', fails: false };
export const GOING_BACK: Scenario = { layout: 'kubernetes-certs', fails: true };
export const KUBECONFIGS_GOING_BACK: Scenario = { layout: 'kubernetes-pki', fails: true };

export const KUBEADM: Scenario = { layout: 'kubeadm', fails: false };
export const SWARM: Scenario = { layout: 'swarm', fails: false };

export const CREDENTIALS: Scenario = { layout: 'kubernetes-certs', fails: false, work: 'credentials' };
export const CREDENTIALS_GOING_BACK: Scenario = { ...CREDENTIALS, fails: true };

/** In a cloud with TLS. */
export const BUNDLE: Scenario = { layout: 'kubernetes-certs', fails: false, work: 'bundle' };
export const BUNDLES = [
  ['another CA bundle of the cloud', BUNDLE],
  ['another CA bundle that is rolled back', { ...BUNDLE, fails: true }],
] as const;

export const scenarioOf = (layout: Scenario['layout'], fails: boolean): Scenario => {
  if (layout === 'kubernetes-certs') return fails ? GOING_BACK : IN_FILES;
  return fails ? KUBECONFIGS_GOING_BACK : IN_KUBECONFIGS;
};

/** All of them, by name. */
export const SCENARIOS = [
  ['a master with its certificates in files', IN_FILES],
  ['a master with kubeconfigs', IN_KUBECONFIGS],
  ['a rotation that fails and rolls back', GOING_BACK],
  ['one with kubeconfigs that fails and rolls back', KUBECONFIGS_GOING_BACK],
  ['other credentials', CREDENTIALS],
  ['other credentials that are rolled back', CREDENTIALS_GOING_BACK],
] as const;

/** The other layouts; everything else is equal in all layouts. */
export const OTHER_LAYOUTS = [
  ["a master with kubeadm's files", KUBEADM],
  ['a node of a swarm', SWARM],
] as const;

const after = (work: Work, layout: Scenario['layout'] = 'kubernetes-certs'): Scenario => ({
  layout,
  fails: false,
  work,
});

const PHASE_LAYOUTS = [
  ['files and kubeconfigs of both kinds', 'kubernetes-certs'],
  ['kubeconfigs that embed', 'kubernetes-pki'],
  ["kubeadm's files", 'kubeadm'],
  ['a swarm', 'swarm'],
] as const;

/**
 * The phases of a rotation in every layout, each starting where the former has ended, and the changes of
 * service-account keys.
 */
export const PHASES: readonly (readonly [string, Scenario])[] = [
  ...PHASE_LAYOUTS.flatMap(([words, layout]) =>
    (['trust', 'reissue', 'retire'] as const).map(
      (phase) => [`the phase ${phase}, ${words}`, after(phase, layout)] as const,
    ),
  ),
  ["the end of an old service-account key's grace", after('grace')],
];
