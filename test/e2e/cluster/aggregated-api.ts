import { copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { kubectl, nodeFolder, nodes, ownerKubeconfig, variable } from './magnum-cluster.ts';

/** Kubernetes' own sample-apiserver as a pod on a worker: kube-apiserver's aggregator serves its API. */

const NAME = 'sample-apiserver';
const PORT = 7443;
const PROGRAM = `/opt/${NAME}/${NAME}`;
const GROUP = { group: 'wardle.example.com', version: 'v1alpha1' };
/** Its objects, through the aggregator. */
const PATH = `/apis/${GROUP.group}/${GROUP.version}/namespaces/default/flunders`;
const METADATA = { name: NAME, namespace: 'default' };

/** @param etcd its own store */
const podOf = (node: string, etcd: string, loadBalancer: string): unknown => {
  const [host, port] = loadBalancer.split(':');
  const container = {
    name: NAME,
    image: 'localhost/busybox:1',
    imagePullPolicy: 'Never',
    command: [PROGRAM, `--secure-port=${PORT}`, `--etcd-servers=${etcd}`, '--cert-dir=/tmp'],
    // The pods' network does not reach the service's own address.
    env: [
      { name: 'KUBERNETES_SERVICE_HOST', value: host },
      { name: 'KUBERNETES_SERVICE_PORT', value: port },
    ],
    volumeMounts: [{ name: 'program', mountPath: dirname(PROGRAM), readOnly: true }],
  };
  const spec = {
    nodeName: node,
    hostNetwork: true,
    tolerations: [{ operator: 'Exists' }],
    containers: [container],
    volumes: [{ name: 'program', hostPath: { path: dirname(PROGRAM) } }],
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata: METADATA, spec };
};

const RIGHTS = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: NAME },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }],
};

const SERVICE = (address: string): unknown => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: METADATA,
  // The aggregator connects to the address directly.
  spec: { type: 'ExternalName', externalName: address },
});

const API_SERVICE = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: `${GROUP.version}.${GROUP.group}` },
  spec: {
    ...GROUP,
    service: { ...METADATA, port: PORT },
    insecureSkipTLSVerify: true,
    groupPriorityMinimum: 1000,
    versionPriority: 15,
  },
};

/**
 * Starts it, waits until the aggregator serves it, and returns the path of its objects. An earlier one is replaced: it
 * trusts the CA of its start alone.
 */
export async function startAggregatedApi(): Promise<string> {
  const worker = (await nodes()).find(({ role }) => role === 'worker');
  if (!worker) throw new Error('the cluster has no worker');
  const programs = (await execa('scripts/kubernetes', ['where'])).stdout;
  await mkdir(nodeFolder(worker, dirname(PROGRAM)), { recursive: true });
  await kubectl(['delete', 'pod', NAME, '--ignore-not-found', '--grace-period=0', '--force']);
  // A program that runs cannot be overwritten.
  await rm(nodeFolder(worker, PROGRAM), { force: true });
  await copyFile(join(programs, 'bin', NAME), nodeFolder(worker, PROGRAM));
  const etcd = await variable('COE_CLUSTER_DISCOVERY');
  const { server } = await ownerKubeconfig();
  const items = [RIGHTS, podOf(worker.name, etcd, server), SERVICE(worker.address), API_SERVICE];
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const available = ['wait', '--for=condition=Available', `apiservice/${API_SERVICE.metadata.name}`];
  await kubectl([...available, '--timeout=180s']);
  return PATH;
}
