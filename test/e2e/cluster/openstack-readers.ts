import { objectsWith } from '../../scenarios/support/cluster-login.ts';
import type { Trustee } from '../../scenarios/support/trustee.ts';
import { kubectl } from './magnum-cluster.ts';

/**
 * Imitated: pods that stand in for openstack-cloud-controller-manager, Cinder CSI, the autoscaler and the other readers
 * of the cluster's login. Each logs in to the real Keystone with what it mounts when it starts, and is Ready afterwards.
 */

/** Logs in with the INI or YAML file `$1`; busybox reports a refusal as a failure of wget. */
const LOG_IN = String.raw`
value() { sed -n "s/^ *$1 *[=:] *//p" "$FILE" | head -n 1 | sed 's/^"\(.*\)"$/\1/'; }
log_in() {
  FILE=$1
  user='{"id":"'$(value user-id)'","password":"'$(value password)'"}'
  scope='{"OS-TRUST:trust":{"id":"'$(value trust-id)'"}}'
  wget -q -O /dev/null --header 'Content-Type: application/json' \
    --post-data '{"auth":{"identity":{"methods":["password"],"password":{"user":'"$user"'}},"scope":'"$scope"'}}' \
    "$(value auth-url)/auth/tokens"
}
`;
const START = `${LOG_IN}\nlog_in "\${1#*=}" && touch /tmp/logged-in && exec sleep 86400`;

type Reader = {
  kind: 'DaemonSet' | 'Deployment' | 'StatefulSet';
  name: string;
  /** The file that it reads. */
  file: string;
  volume: Record<string, unknown>;
};

const fromSecret = (name: string) => ({ secret: { secretName: name } });
const fromConfigMap = (name: string) => ({ configMap: { name } });

/** The kinds of volumes and the names are those of Magnum's manifests. */
const READERS: readonly Reader[] = [
  {
    kind: 'DaemonSet',
    name: 'openstack-cloud-controller-manager',
    file: '/etc/kubernetes/cloud-config-occm',
    volume: { hostPath: { path: '/etc/kubernetes' } },
  },
  {
    kind: 'Deployment',
    name: 'csi-cinder-controllerplugin',
    file: '/etc/config/cloud-config',
    volume: fromSecret('cinder-csi-cloud-config'),
  },
  {
    kind: 'Deployment',
    name: 'cluster-autoscaler',
    file: '/config/cloud-config',
    volume: fromSecret('cluster-autoscaler-cloud-config'),
  },
  {
    kind: 'DaemonSet',
    name: 'magnum-auto-healer',
    file: '/etc/magnum-auto-healer/config.yaml',
    volume: fromConfigMap('magnum-auto-healer-config'),
  },
  {
    kind: 'StatefulSet',
    name: 'octavia-ingress-controller',
    file: '/etc/octavia/config',
    volume: fromConfigMap('octavia-ingress-controller-config'),
  },
];

const folderOf = (file: string): string => file.slice(0, file.lastIndexOf('/'));

function manifestOf({ kind, name, file, volume }: Reader): unknown {
  const labels = { app: name };
  const container = {
    name: 'reader',
    image: 'localhost/busybox:1',
    imagePullPolicy: 'Never',
    command: ['sh', '-c', START, 'reader', `--cloud-config=${file}`],
    volumeMounts: [{ name: 'login', mountPath: folderOf(file), readOnly: true }],
    readinessProbe: { exec: { command: ['test', '-e', '/tmp/logged-in'] }, periodSeconds: 2 },
  };
  const spec = {
    // The pods' network does not reach Keystone.
    hostNetwork: true,
    ...(kind === 'DaemonSet' && { nodeSelector: { 'magnum.openstack.org/role': 'master' } }),
    tolerations: [{ operator: 'Exists' }],
    terminationGracePeriodSeconds: 1,
    containers: [container],
    volumes: [{ name: 'login', ...volume }],
  };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'kube-system' },
    spec: {
      selector: { matchLabels: labels },
      ...(kind === 'StatefulSet' && { serviceName: name }),
      template: { metadata: { labels }, spec },
    },
  };
}

const objectManifests = (login: Trustee, authUrl: string): unknown[] =>
  Object.entries(objectsWith(login, authUrl)).map(([path, data]) => {
    const [kind, name] = path.split('/');
    const metadata = { name, namespace: 'kube-system' };
    return kind === 'secrets'
      ? { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, stringData: data }
      : { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  });

/** Waits until every reader has logged in since it was last replaced. */
export async function readersReady(): Promise<void> {
  for (const { kind, name } of READERS)
    await kubectl(['-n', 'kube-system', 'rollout', 'status', `${kind}/${name}`, '--timeout=300s']);
}

/** Puts the objects of a stock cluster with a login into the API, and starts their readers. */
export async function startReaders(login: Trustee, authUrl: string): Promise<void> {
  const items = [...objectManifests(login, authUrl), ...READERS.map(manifestOf)];
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await readersReady();
}

/** Makes one pod of every reader log in again with what it mounts; it fails with the reason of the first that cannot. */
export async function logInFromReaders(): Promise<void> {
  for (const { kind, name, file } of READERS) {
    const pod = ['-n', 'kube-system', 'exec', `${kind}/${name}`];
    await kubectl([...pod, '--', 'sh', '-c', `${LOG_IN}\nlog_in "$1"`, 'reader', file]);
  }
}
