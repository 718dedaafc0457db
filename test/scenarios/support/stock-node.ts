import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { Cloud } from '../../cloud/cloud.ts';
import { parseObject } from '../../cloud/exchange.ts';
import type { Kubernetes } from '../../fakes/kubernetes.ts';
import { cli } from './cli.ts';
import { stockCluster } from './cluster-login.ts';
import { createSite, type Role, type Site, type SiteSpec } from './site.ts';
import { CLOUD_CONFIGS, cloudConfig, newTrustee, type Trustee, trusteeOf } from './trustee.ts';

/** A node with the files and, on a master, the API objects of a stock cluster that hold its login. */
export type StockNode = { site: Site; api: Kubernetes; old: Trustee };

export async function stockNode(cloud: Cloud, role: Role, spec: SiteSpec = {}): Promise<StockNode> {
  const site = await createSite(cloud, { role, config: { workloads: { per_second: 100 } }, ...spec });
  const old = trusteeOf(site);
  for (const [path, more] of Object.entries(CLOUD_CONFIGS))
    await site.node.write(path, cloudConfig(old, cloud.authUrl) + more);
  const api = stockCluster(old, cloud.authUrl);
  if (role === 'master') site.node.units.serve('kube-apiserver', api.listener);
  return { site, api, old };
}

/** Makes another trustee, whose password needs no quotes in YAML. */
export const anotherTrustee = (cloud: Cloud): Trustee =>
  newTrustee(cloud, `fresh-${randomBytes(8).toString('hex')}`);

/** Runs `agent credentials` and returns its answer. */
export const askCredentials = async (
  site: Site,
  ...options: readonly string[]
): Promise<Record<string, unknown>> =>
  parseObject((await cli(site, ['credentials', ...options, '--json'])).stdout) ?? {};

/** Changes the login from standard input. */
export async function changeLogin(site: Site, trustee: Trustee): Promise<void> {
  const said = await cli(site, ['credentials', '--from', '-'], {}, JSON.stringify(trustee));
  expect(said).toMatchObject({ code: 0 });
}
