import { unescapedPem } from '../base/pem.ts';
import type { Deployment } from '../deployment/deployment.ts';

/** Magnum's update of a node, whatever it is for: only the node can tell, by comparing itself with it. */
export type MagnumUpdate = {
  kind: 'magnum-update';
  /** The pair of the cluster's last CA rotation, or of its creation: it comes with every update. */
  serviceAccount: { publicKey: string; privateKey: string };
  /** The versions that the node is to have; undefined where Magnum says none. */
  wants: { kubeTag: string | undefined; ostreeCommit: string | undefined; ostreeRemote: string | undefined };
  /** The text that upgrades, and nothing that touches certificates; undefined where it cannot be told from the rest. */
  upgrade: string | undefined;
};

/** Magnum's set-up of a node or a cluster, written for the inside of heat-container-agent and left to it. */
export type MagnumCreation = { kind: 'magnum-creation' };

type Stock = {
  means: (MagnumUpdate | MagnumCreation)['kind'];
  group: 'script';
  /** The names of the Heat resource. */
  resources: readonly string[];
  inputs: readonly string[];
  /** What the text holds; the texts differ between releases, so no digest would do. */
  marker: string;
  /** The Magnum releases that this row was checked against. */
  releases: readonly string[];
};

const KEY = 'kube_service_account_key_input';
const PRIVATE_KEY = 'kube_service_account_private_key_input';

/** The deployments of Magnum's driver k8s_fedora_coreos_v1, as its templates name them. */
export const STOCK: readonly Stock[] = [
  {
    means: 'magnum-update',
    group: 'script',
    resources: ['upgrade_kubernetes_deployment'],
    inputs: [KEY, PRIVATE_KEY],
    marker: 'START: rotate CA certs on',
    releases: ['15', '20'],
  },
  {
    means: 'magnum-creation',
    group: 'script',
    resources: ['master_config_deployment', 'node_config_deployment'],
    inputs: [],
    marker: 'START: write-heat-params',
    releases: ['15', '20'],
  },
  {
    means: 'magnum-creation',
    group: 'script',
    resources: ['kube_cluster_deploy'],
    inputs: [],
    marker: 'step="kube-apiserver-to-kubelet-role"',
    releases: ['15', '20'],
  },
];

/** What a deployment of an unmodified Magnum asks for; undefined: it is none. */
export function selectMagnum(deployment: Deployment): MagnumUpdate | MagnumCreation | undefined {
  switch (stockOf(deployment)?.means) {
    case 'magnum-update':
      return updateOf(deployment);
    case 'magnum-creation':
      return { kind: 'magnum-creation' };
    case undefined:
      return undefined;
  }
}

/** The row of a deployment. */
export function stockOf({ group, inputs, raw }: Deployment): Stock | undefined {
  const { config } = raw;
  return STOCK.find(
    (stock) =>
      stock.group === group &&
      stock.resources.some((name) => name === inputs['deploy_resource_name']) &&
      stock.inputs.every((name) => text(inputs[name]) !== undefined) &&
      typeof config === 'string' &&
      config.includes(stock.marker),
  );
}

/** Whether it sets up a node or a cluster, which is left to heat-container-agent while that serves the node. */
export const isCreation = (deployment: Deployment): boolean =>
  stockOf(deployment)?.means === 'magnum-creation';

const updateOf = ({ inputs, raw }: Deployment): MagnumUpdate => ({
  kind: 'magnum-update',
  serviceAccount: {
    publicKey: unescapedPem(text(inputs[KEY]) ?? ''),
    privateKey: unescapedPem(text(inputs[PRIVATE_KEY]) ?? ''),
  },
  wants: {
    kubeTag: text(inputs['kube_tag_input']),
    ostreeCommit: text(inputs['ostree_commit_input']),
    ostreeRemote: text(inputs['ostree_remote_input']),
  },
  upgrade: upgradeOf(String(raw['config'])),
});

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** How the make-cert scripts of every release get certificates from Magnum, and what they call it. */
const MAKES_CERTIFICATES = /\bgenerate_certificates\b|\bMAGNUM_URL\}?\/certificates\b/;

/** Whether a text makes certificates as make-cert does, which empties the CA file of a host without python. */
export const makesCertificates = (script: string): boolean => MAKES_CERTIFICATES.test(script);

/**
 * The upgrade fragment. The fragments are joined by line feeds, the upgrade first, and each reads heat-params in a line
 * of its own: the second one begins there, with the comments above.
 */
function upgradeOf(script: string): string | undefined {
  const made = MAKES_CERTIFICATES.exec(script)?.index ?? script.length;
  const before = script.slice(0, made).split('\n');
  let begin = before.findLastIndex((line) => line.trim() === '. /etc/sysconfig/heat-params');
  while (begin > 0 && /^\s*(#.*|set [+-]x)?$/.test(before[begin - 1] ?? '')) begin -= 1;
  const upgrade = before.slice(0, Math.max(begin, 0)).join('\n');
  return upgrade.includes('kube_tag_input') ? `${upgrade}\n` : undefined;
}
