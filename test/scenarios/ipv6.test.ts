import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { BUILT_IN } from '../../src/certificates/choose-layout.ts';
import { ROLES } from '../../src/certificates/layout.ts';
import { factsOf, fill } from '../../src/certificates/template.ts';
import { parseHeatParams } from '../../src/metadata/heat-params.ts';
import { addressFault, planUnits } from '../../src/services/unit.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { at } from '../cloud/exchange.ts';
import { fixture, jsonObject, listIn } from '../src/support/fixtures.ts';
import { cli } from './support/cli.ts';
import { exampleLayout } from './support/example-layout.ts';
import { createSite, type Site } from './support/site.ts';

/** An IPv6-only cluster: an address in a URL is in brackets (RFC 3986, 3.2.2). */

const PARAMS = parseHeatParams(fixture('heat-params-ipv6'));
const ADDRESSES = Object.fromEntries(
  [...PARAMS].filter(([key]) => /^(KUBE_(NODE|API)_.*(IP|ADDRESS)|PORTAL_NETWORK_CIDR)$/.test(key)),
);

const cloud = await cloudForFile();

describe.each(BUILT_IN.flatMap(({ name, roles }) => ROLES.map((role) => ({ name, role, row: roles[role] }))))(
  'a $role of $name',
  ({ row }) => {
    const values = factsOf(PARAMS, 'c6-master-0');
    const times = { deadline_seconds: 1, settle_seconds: 0 };
    const units = planUnits(row, (text) => fill(text, values), {}, times);

    test('probes its units at URLs', () => {
      for (const unit of units) expect(addressFault(unit)).toBeUndefined();
      const hosts = units.flatMap(({ health }) => (health ? [new URL(health.url).hostname] : []));
      for (const host of hosts) expect(['127.0.0.1', '[fd00:10::6]']).toContain(host);
    });

    test('uses a URL for the API server in its kubeconfigs', () => {
      for (const { server } of row.kubeconfigs)
        expect(['https://127.0.0.1:6443', 'https://[fd00:10::4]:6443']).toContain(fill(server, values));
    });
  },
);

test("probes etcd of make-cert.sh's layout at the node's address", () => {
  const etcd = BUILT_IN.find(({ name }) => name === 'kubernetes-certs')?.roles.master.units[0];
  expect(fill(etcd?.health?.url ?? '', PARAMS)).toBe('https://[fd00:10::6]:2379/health');
});

const serverOf = async (site: Site, path: string): Promise<unknown> => {
  const config = jsonObject(JSON.stringify(parse(await site.node.read(path))));
  return at(listIn(config, 'clusters')[0], 'cluster', 'server');
};

test.each(['kubernetes-pki', 'kubeadm'] as const)(
  "points a worker's first kubeconfig of %s to the API server",
  async (layout) => {
    const site = await createSite(cloud, { layout, params: ADDRESSES });
    expect(await serverOf(site, '/etc/kubernetes/kubelet.conf')).toBe('https://[fd00:10::4]:6443');
  },
);

test("points a custom layout's kubeconfig to the API server", async () => {
  const site = await createSite(cloud, { layout: 'registry', params: ADDRESSES, bare: true });
  await site.node.write('/etc/coe-agent/layouts.d/registry.yaml', exampleLayout('registry'));
  expect((await cli(site, ['make-cert'])).stderr).toBe('');
  expect(await serverOf(site, '/etc/registry/kubeconfig')).toBe('https://[fd00:10::4]:6443');
});

test('stops a rotation before any replacement if a unit cannot be probed at its configured address', async () => {
  const units = { etcd: { health: 'https://fd00:10::6:2379/health' } };
  const site = await createSite(cloud, { role: 'master', bare: true });
  expect((await cli(site, ['make-cert'])).stderr).toBe('');
  await site.node.configure({ services: { deadline_seconds: 1, settle_seconds: 0, units } });
  const words = 'cannot check the health of the unit etcd: https://fd00:10::6:2379/health is not a URL';
  const { stdout, code } = await cli(site, ['doctor']);
  expect(stdout).toContain(words);
  expect(code).toBe(1);
  const before = await site.files();
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(at(site.signals().at(-1)?.body, 'deploy_stderr')).toContain(words);
  expect(await site.files()).toEqual(before);
  expect(site.restarts()).toEqual([]);
});
