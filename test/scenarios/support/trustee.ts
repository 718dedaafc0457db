import { randomBytes } from 'node:crypto';
import type { Cloud } from '../../cloud/cloud.ts';
import { heatParamsText } from '../../cloud/heat-params.ts';
import type { Site } from './site.ts';

/** An OpenStack login, by the names of the inputs. */
export type Trustee = { trustee_user_id: string; trustee_password: string; trust_id: string };

/** Makes another trustee with a trust of the clusters' owner, like Magnum. */
export function newTrustee({ identity, owner, project }: Cloud, password?: string): Trustee {
  const name = `trustee-${randomBytes(4).toString('hex')}`;
  const secret = password ?? `p${randomBytes(13).toString('base64url')}`;
  const trustee = identity.addUser(name, { id: 'magnum', name: 'magnum' }, secret);
  const roles = identity.rolesOf(owner, project);
  const trust = identity.addTrust({ trustor: owner, trustee, project, roles });
  return { trustee_user_id: trustee.id, trustee_password: secret, trust_id: trust.id };
}

export const trusteeOf = ({ cluster }: Pick<Site, 'cluster'>): Trustee => ({
  trustee_user_id: cluster.trusteeUserId,
  trustee_password: cluster.trusteePassword,
  trust_id: cluster.trustId,
});

/** Sends `coe-credentials` to a site as a deployment, makes a pass, and returns the answer to Heat. */
export async function deployCredentials(
  cloud: Cloud,
  site: Site,
  values: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  cloud.deploy(site.cluster, site.server, {
    resource: 'credentials',
    group: 'coe-credentials',
    inputs: Object.keys(values).map((name) => ({ name, type: 'String' })),
    outputs: [{ name: 'files' }, { name: 'objects' }],
    values,
  });
  await site.pass();
  return site.signals().at(-1)?.body ?? {};
}

/** The cloud-config that Magnum's write-kube-os-config.sh makes from heat-params. */
export const cloudConfig = ({ trustee_user_id, trustee_password, trust_id }: Trustee, url: string): string =>
  `[Global]
auth-url=${url}
user-id=${trustee_user_id}
password=${trustee_password}
trust-id=${trust_id}
ca-file=/etc/kubernetes/ca-bundle.crt
region=RegionOne
[LoadBalancer]
use-octavia=True
`;

export const CLOUD_CONFIG = '/etc/kubernetes/cloud-config';
export const HEAT_PARAMS = '/etc/sysconfig/heat-params';
/** The files with a cloud-config, and their additional content. */
export const CLOUD_CONFIGS = {
  [CLOUD_CONFIG]: '',
  '/etc/kubernetes/kube_openstack_config': '',
  '/etc/kubernetes/cloud-config-occm': '[Networking]\ninternal-network-name=private\n',
};

/** The files of a node with these credentials. */
export const filesWith = (
  trustee: Trustee,
  params: Record<string, string>,
  url: string,
): Record<string, string> => ({
  [HEAT_PARAMS]: heatParamsText({
    ...params,
    TRUSTEE_USER_ID: trustee.trustee_user_id,
    TRUSTEE_PASSWORD: trustee.trustee_password,
    TRUST_ID: trustee.trust_id,
  }),
  ...Object.fromEntries(
    Object.entries(CLOUD_CONFIGS).map(([path, more]) => [path, cloudConfig(trustee, url) + more]),
  ),
});

export const REGISTRY = '/etc/sysconfig/registry-config.yml';

/** The registry configuration that Magnum's configure-docker-registry.sh makes from heat-params on a worker. */
export const registryConfig = (
  { trustee_password, trust_id }: Trustee,
  name: string,
  domain: string,
  url: string,
): string => `version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    layerinfo: inmemory
  swift:
    authurl: "${url}"
    region: "SwiftRegion"
    username: "${name}"
    password: "${trustee_password}"
    domainid: "${domain}"
    trustid: "${trust_id}"
    container: "docker_registry"
    insecureskipverify: true
    chunksize: 5242880
http:
    addr: :5000
`;
