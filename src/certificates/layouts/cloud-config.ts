import type { CredentialRow } from '../layout.ts';

/**
 * Where Magnum's Kubernetes nodes keep the cluster's login to OpenStack, beside heat-params. A file is read when its
 * reader starts and never again, and only if the reader's arguments name it (--cloud-config): the in-tree provider of
 * older releases has all three of a master's do so, later ones only kube-controller-manager, for volumes. Their
 * arguments stand in places that differ from release to release, so all three are restarted: a restart that was not
 * needed takes seconds, one that was left out fails much later, when the former trust goes.
 */
const cloudConfig = (units: readonly string[]): readonly CredentialRow[] => [
  { file: '/etc/kubernetes/cloud-config', format: 'ini', units },
  { file: '/etc/kubernetes/kube_openstack_config', format: 'ini', units },
  {
    file: '/etc/kubernetes/cloud-config-occm',
    format: 'ini',
    units: [],
    others: 'the pods of openstack-cloud-controller-manager, which read it when they start',
  },
];

export const MASTER_CLOUD_CONFIG: readonly CredentialRow[] = [
  ...cloudConfig(['kube-apiserver', 'kube-controller-manager', 'kubelet']),
  {
    file: '/srv/magnum/kubernetes/manifests/octavia-ingress-controller-config.yaml',
    format: 'yaml',
    units: [],
    others: 'the cluster, which knows of it when it is applied',
  },
  {
    file: '/srv/magnum/kubernetes/manifests/magnum_auto_healer.yaml',
    format: 'yaml',
    units: [],
    others: 'the cluster, which knows of it when it is applied',
  },
];

/** Where `registry_enabled` is set, a worker runs a registry on Swift: a oneshot that starts a container. */
export const WORKER_CLOUD_CONFIG: readonly CredentialRow[] = [
  ...cloudConfig(['kubelet']),
  { file: '/etc/sysconfig/registry-config.yml', format: 'yaml', units: ['registry'] },
];
