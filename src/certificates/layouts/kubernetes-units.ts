import type { UnitRow } from '../layout.ts';

/** The Kubernetes services as units, with upstream's ports. */

export const kubeApiserver = (presents: string, as: string): UnitRow => ({
  unit: 'kube-apiserver',
  required: true,
  probe: { host: '127.0.0.1', port: '{KUBE_API_PORT|6443}', presents },
  health: { url: 'https://127.0.0.1:{KUBE_API_PORT|6443}/readyz', as },
  isKubernetesApi: true,
});

export const kubelet = (presents: string): UnitRow => ({
  unit: 'kubelet',
  required: true,
  probe: { host: '127.0.0.1', port: '10250', presents },
  health: { url: 'http://127.0.0.1:10248/healthz' },
});

export const CONTROLLER_MANAGER: UnitRow = {
  unit: 'kube-controller-manager',
  required: true,
  probe: undefined,
  health: { url: 'https://127.0.0.1:10257/healthz' },
};

export const SCHEDULER: UnitRow = {
  unit: 'kube-scheduler',
  required: true,
  probe: undefined,
  health: { url: 'https://127.0.0.1:10259/healthz' },
};

/** Magnum runs kube-proxy as a unit in some releases and as a DaemonSet in others. */
export const KUBE_PROXY: UnitRow = {
  unit: 'kube-proxy',
  required: false,
  probe: undefined,
  health: undefined,
};
