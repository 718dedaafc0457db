import * as v from 'valibot';
import { createKubernetes, type Kubernetes } from '../../fakes/kubernetes.ts';
import type { Trustee } from './trustee.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The Secret as Magnum's fragments apply it: `kubectl apply` keeps it in an annotation. */
const LAST = 'kubectl.kubernetes.io/last-applied-configuration';

const csiConfig = ({ trustee_user_id, trustee_password, trust_id }: Trustee, url: string): string =>
  `[Global]\nauth-url=${url}\nuser-id=${trustee_user_id}\npassword=${trustee_password}\ntrust-id=${trust_id}\nregion=RegionOne\nca-file=/etc/kubernetes/ca-bundle.crt`;

export const healerConfig = (
  { trustee_user_id, trustee_password, trust_id }: Trustee,
  url: string,
): string => `cluster-name: c
dry-run: false
openstack:
  auth-url: ${url}
  user-id: ${trustee_user_id}
  password: ${trustee_password}
  trust-id: ${trust_id}
  region: RegionOne
  ca-file: /etc/kubernetes/ca-bundle.crt
`;

/** Every object of a stock cluster with this login, decoded, by kind and name. */
export const objectsWith = (trustee: Trustee, url: string): Record<string, Record<string, string>> => ({
  'secrets/os-trustee': {
    'os-authURL': url,
    'os-trustID': trustee.trust_id,
    'os-trusteeID': trustee.trustee_user_id,
    'os-trusteePassword': trustee.trustee_password,
    'os-region': 'RegionOne',
    'os-certAuthority': '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n',
  },
  'secrets/cinder-csi-cloud-config': { 'cloud-config': csiConfig(trustee, url) },
  'secrets/cluster-autoscaler-cloud-config': { 'cloud-config': csiConfig(trustee, url) },
  'configmaps/octavia-ingress-controller-config': { config: healerConfig(trustee, url) },
  'configmaps/magnum-auto-healer-config': { 'config.yaml': healerConfig(trustee, url) },
});

const hostPath = (path: string) => ({ name: 'host', hostPath: { path } });
const secret = (secretName: string) => ({ name: 'secret', secret: { secretName } });
const configMap = (name: string) => ({ name: 'config', configMap: { name } });

const pods = (...volumes: unknown[]) => ({ volumes });

/** An API server with what a stock Magnum cluster keeps of the login, and with those that read it. */
export function stockCluster(trustee: Trustee, url: string): Kubernetes {
  const api = createKubernetes();
  for (const [path, data] of Object.entries(objectsWith(trustee, url))) {
    const [kind = '', name = ''] = path.split('/');
    const isSecret = kind === 'secrets';
    const stringData = { metadata: { name, namespace: 'kube-system' }, stringData: data };
    api.core.put(kind, 'kube-system', name, {
      ...(isSecret && { type: 'Opaque' }),
      metadata:
        name === 'cinder-csi-cloud-config'
          ? { annotations: { [LAST]: `${JSON.stringify({ kind: 'Secret', ...stringData })}\n` } }
          : {},
      data: isSecret
        ? Object.fromEntries(Object.entries(data).map(([key, text]) => [key, base64(text)]))
        : data,
    });
  }
  api.add(
    'daemonsets',
    'kube-system',
    'openstack-cloud-controller-manager',
    {},
    {
      ...pods(hostPath('/etc/kubernetes')),
      containers: [
        {
          name: 'occm',
          command: [
            '/bin/openstack-cloud-controller-manager',
            '--cloud-config=/etc/kubernetes/cloud-config-occm',
          ],
        },
      ],
    },
  );
  api.add(
    'deployments',
    'kube-system',
    'csi-cinder-controllerplugin',
    {},
    pods(secret('cinder-csi-cloud-config')),
  );
  api.add('daemonsets', 'kube-system', 'csi-cinder-nodeplugin', {}, pods(secret('cinder-csi-cloud-config')));
  api.add(
    'deployments',
    'kube-system',
    'cluster-autoscaler',
    {},
    pods(secret('cluster-autoscaler-cloud-config')),
  );
  api.add(
    'daemonsets',
    'kube-system',
    'magnum-auto-healer',
    {},
    pods(configMap('magnum-auto-healer-config')),
  );
  api.add(
    'statefulsets',
    'kube-system',
    'octavia-ingress-controller',
    {},
    pods(configMap('octavia-ingress-controller-config')),
  );
  api.add('deployments', 'kube-system', 'coredns');
  api.add('daemonsets', 'monitoring', 'node-exporter', {}, pods(hostPath('/')));
  return api;
}

/** The workloads of a stock cluster that read the login; OCCM is replaced first. */
export const READERS = [
  'openstack-cloud-controller-manager',
  'cluster-autoscaler',
  'csi-cinder-controllerplugin',
  'csi-cinder-nodeplugin',
  'magnum-auto-healer',
  'octavia-ingress-controller',
];

/** The pods and Jobs of `putLonePods` that read the login, and that nothing replaces. */
export const LONE_READERS = ['job kube-system/backup-1', 'pod kube-system/by-hand', 'pod kube-system/static'];

const owner = (kind: string, name: string) => ({ ownerReferences: [{ kind, name, controller: true }] });

/** Puts pods that started then: three readers that nothing replaces, one that a ReplicaSet replaces, and others. */
export function putLonePods(api: Kubernetes, startedAt: Date): void {
  const startTime = startedAt.toISOString();
  const put = (name: string, volume: unknown, metadata = {}): void => {
    api.core.put('pods', 'kube-system', name, {
      metadata,
      spec: { ...pods(volume), containers: [{ name }] },
      status: { phase: 'Running', startTime },
    });
  };
  put('by-hand', secret('cinder-csi-cloud-config'));
  put('static', hostPath('/etc/kubernetes/cloud-config'), owner('Node', 'master-0'));
  put('backup-1-a', configMap('magnum-auto-healer-config'), owner('Job', 'backup-1'));
  put('backup-1-b', configMap('magnum-auto-healer-config'), owner('Job', 'backup-1'));
  put('replaced', secret('cinder-csi-cloud-config'), owner('ReplicaSet', 'csi-cinder-controllerplugin-1'));
  put('other', secret('nobodys'));
}

/** An id such as 0b12 gets quotes: YAML could take it for a number. */
const withoutQuotes = (text: string): string => text.replaceAll(/: "([\w-]+)"$/gm, ': $1');

const Data = v.optional(v.record(v.string(), v.string()), {});

/** What the objects of the cluster hold now, decoded. */
export const objectsOf = (api: Kubernetes): Record<string, unknown> =>
  Object.fromEntries(
    ['secrets', 'configmaps'].flatMap((kind) =>
      api.core
        .all(kind)
        .filter(({ name }) => name !== 'extension-apiserver-authentication')
        .map(({ name, object }) => [
          `${kind}/${name}`,
          Object.fromEntries(
            Object.entries(v.parse(Data, object['data'])).map(([key, text]) => [
              key,
              kind === 'secrets' ? Buffer.from(text, 'base64').toString() : withoutQuotes(text),
            ]),
          ),
        ]),
    ),
  );
