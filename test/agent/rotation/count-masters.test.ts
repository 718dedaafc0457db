import { describe, expect, test } from 'vitest';
import { etcdMembers, isOfSeveralMasters, ownEtcdOf } from '../../../agent/rotation/count-masters.ts';
import { settingsOf } from '../../../src/services/unit-settings.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';
import { etcdOf, networkOf } from '../support/network.ts';

const [cas, other] = [newGeneration(), newGeneration()];
/** As Magnum's configure-etcd.sh writes it. */
const CONFIG = 'name: "m0"\nlisten-peer-urls: "https://10.0.0.5:2380"\n';
/** Flags in place of a configuration file, as kubeadm has them. */
const FLAGS =
  'ExecStart={ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd --listen-peer-urls=https://10.0.0.7:2480 --peer-cert-file=/x/peer.crt --peer-key-file=/x/peer.key ; ignore_errors=no }\n';

const junk: AskApi = async () => await Promise.resolve({ status: 404, headers: {}, text: '' });

async function setUp({ ask = etcdOf(3), unit = '', config = CONFIG } = {}) {
  const network = networkOf({ '10.0.0.5:2380': { presents: '', ask } });
  const unitSettings = async () => await Promise.resolve(settingsOf(unit));
  const { write, ...rest } = await testHands({ ...network, unitSettings });
  const node = nodeOf('master');
  await writeCertificates(node, { write }, cas);
  if (config !== '') await write('/etc/etcd/etcd.conf.yaml', config);
  return { ...rest, network, node };
}

describe('the members of etcd', () => {
  test.each([1, 3])('are counted: %i', async (members) => {
    const { hands, node, network } = await setUp({ ask: etcdOf(members) });
    expect(await etcdMembers(node, hands, NEVER)).toBe(members);
    expect(network.open()).toBe(0);
  });

  test('are unknown while etcd does not answer, and that is logged', async () => {
    const { hands, node, log } = await setUp({ ask: junk });
    expect(await etcdMembers(node, hands, NEVER)).toBe('unknown');
    expect(logged(log, 'etcd-members-unknown')).toHaveLength(1);
  });

  test('are none on a worker, and where nothing tells of peers', async () => {
    const { hands, node } = await setUp({ config: '' });
    expect(await etcdMembers(node, hands, NEVER)).toBe('none');
    expect(await etcdMembers(nodeOf('worker'), hands, NEVER)).toBe('none');
  });

  test('are unknown where peers are not asked with TLS', async () => {
    const { hands, node } = await setUp({ config: 'listen-peer-urls: "http://10.0.0.5:2380"\n' });
    expect(await etcdMembers(node, hands, NEVER)).toBe('unknown');
  });

  test("are asked by the flags of etcd's unit, which override the configuration of Magnum", async () => {
    const { hands, node } = await setUp({ unit: FLAGS });
    const identity = { certificate: '/x/peer.crt', key: '/x/peer.key' };
    expect(await ownEtcdOf(node, hands, NEVER)).toEqual({
      host: '10.0.0.7',
      port: 2480,
      ca: '/etc/etcd/certs/ca.crt',
      leaf: '/x/peer.crt',
      identity,
    });
  });
});

describe('a worker', () => {
  const node = nodeOf('worker', { KUBE_MASTER_IP: '10.0.0.9' });

  async function worker(servers: number, { signs = cas, status = 200 } = {}) {
    const api = createKubernetes();
    const addresses = Array.from({ length: servers }, (_, index) => ({ ip: `192.0.2.${index + 1}` }));
    api.core.put('endpoints', 'default', 'kubernetes', { subsets: [{ addresses, ports: [{ port: 6443 }] }] });
    if (status !== 200) api.instead = () => ({ status });
    const presents = caOf(signs, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
    const ask = api.askAs('system:node-proxier', 'system:kube-proxy');
    const network = networkOf({ '10.0.0.9:6443': { presents, ask } });
    const test = await testHands(network);
    await writeCertificates(node, test, cas);
    return { ...test, network, sees: await isOfSeveralMasters(node, test.hands, NEVER) };
  }

  test('sees several masters, and a single one', async () => {
    const { sees, network } = await worker(3);
    expect(sees).toBe(true);
    expect(network.open()).toBe(0);
    expect((await worker(1)).sees).toBe(false);
  });

  test('sees none behind a certificate that it does not trust, and asks nothing there', async () => {
    const { sees, network } = await worker(3, { signs: other });
    expect(sees).toBe(false);
    expect(network.opened).toEqual([]);
  });

  test('sees none where the API refuses, and logs that', async () => {
    const { sees, log } = await worker(3, { status: 403 });
    expect(sees).toBe(false);
    expect(logged(log, 'api-server-unknown')).toHaveLength(1);
  });

  test('sees none without an address of the API', async () => {
    const { hands } = await worker(3);
    expect(await isOfSeveralMasters(nodeOf('worker'), hands, NEVER)).toBe(false);
  });
});
