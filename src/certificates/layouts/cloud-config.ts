import type { CredentialRow } from '../layout.ts';

/**
 * Files of Magnum's Kubernetes nodes with the cluster's OpenStack credentials, besides heat-params. A reader reads its
 * file only at its start, and only if its arguments name the file (--cloud-config). With the in-tree provider of older
 * releases, all three units of a master do so; later, only kube-controller-manager does, for volumes. The place of the
 * arguments differs between releases, so all three are restarted: an unnecessary restart takes seconds, while a missing
 * one fails much later, when the former trust is deleted.
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

/** If `registry_enabled` is set, a worker runs a registry on Swift: a oneshot unit that starts a container. */
export const WORKER_CLOUD_CONFIG: readonly CredentialRow[] = [
  ...cloudConfig(['kubelet']),
  { file: '/etc/sysconfig/registry-config.yml', format: 'yaml', units: ['registry'] },
];
