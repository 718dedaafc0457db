import { unescapedPem } from '../base/pem.ts';
import type { Deployment } from '../deployment/deployment.ts';

/** Magnum's update of a node, whatever its purpose: the node finds out by comparing itself with it. */
export type MagnumUpdate = {
  kind: 'magnum-update';
  /** The key pair of the cluster's last CA rotation, or of its creation. Every update contains it. */
  serviceAccount: { publicKey: string; privateKey: string };
  /** The versions requested for the node; undefined if Magnum names none. */
  wants: { kubeTag: string | undefined; ostreeCommit: string | undefined; ostreeRemote: string | undefined };
  /**
   * The script text that upgrades and does not touch certificates; undefined if it cannot be separated from the rest.
   */
  upgrade: string | undefined;
};

/**
 * Magnum's creation of a node or cluster. The scripts need the environment of heat-container-agent and are left to it.
 */
export type MagnumCreation = { kind: 'magnum-creation' };

type Stock = {
  means: (MagnumUpdate | MagnumCreation)['kind'];
  group: 'script';
  /** The names of the Heat resource. */
  resources: readonly string[];
  inputs: readonly string[];
  /** A text that identifies the script. Scripts differ between releases, so a digest would not work. */
  marker: string;
  /** The Magnum releases with which this row was verified. */
  releases: readonly string[];
};

const KEY = 'kube_service_account_key_input';
const PRIVATE_KEY = 'kube_service_account_private_key_input';

/** The deployments of Magnum's driver k8s_fedora_coreos_v1, as named by its templates. */
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

/** Decodes a deployment of an unmodified Magnum; undefined if it is another deployment. */
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

/** Returns the row that matches a deployment. */
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

/** Whether it creates a node or cluster; such work is left to heat-container-agent while that runs on the node. */
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

/** Matches the code with which the make-cert scripts of every release request certificates from Magnum. */
const MAKES_CERTIFICATES = /\bgenerate_certificates\b|\bMAGNUM_URL\}?\/certificates\b/;

/** Whether a script creates certificates as make-cert does. That would empty the CA file on a host without python. */
export const makesCertificates = (script: string): boolean => MAKES_CERTIFICATES.test(script);

/**
 * Extracts the upgrade fragment. Fragments are joined by line feeds, the upgrade first, and each sources heat-params on
 * its own line. The second one begins at that line, or at the comments above it.
 */
function upgradeOf(script: string): string | undefined {
  const made = MAKES_CERTIFICATES.exec(script)?.index ?? script.length;
  const before = script.slice(0, made).split('\n');
  let begin = before.findLastIndex((line) => line.trim() === '. /etc/sysconfig/heat-params');
  while (begin > 0 && /^\s*(#.*|set [+-]x)?$/.test(before[begin - 1] ?? '')) begin -= 1;
  const upgrade = before.slice(0, Math.max(begin, 0)).join('\n');
  return upgrade.includes('kube_tag_input') ? `${upgrade}\n` : undefined;
}
