import { describe, expect, test } from 'vitest';
import { etcdMembers, ownEtcdOf } from '../../../agent/rotation/count-masters.ts';
import { settingsOf } from '../../../src/services/unit-settings.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';
import { etcdOf, networkOf } from '../support/network.ts';

const cas = newGeneration();
/** As Magnum's configure-etcd.sh writes it. */
const CONFIG = 'name: "m0"\nlisten-peer-urls: "https://10.0.0.5:2380"\n';
/** Flags instead of a configuration file, as kubeadm has them. */
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

  test('are unknown while etcd does not answer, which is logged', async () => {
    const { hands, node, log } = await setUp({ ask: junk });
    expect(await etcdMembers(node, hands, NEVER)).toBe('unknown');
    expect(logged(log, 'etcd-members-unknown')).toHaveLength(1);
  });

  test('are zero on a worker, and without a configured peer address', async () => {
    const { hands, node } = await setUp({ config: '' });
    expect(await etcdMembers(node, hands, NEVER)).toBe('none');
    expect(await etcdMembers(nodeOf('worker'), hands, NEVER)).toBe('none');
  });

  test('are unknown if peers do not use TLS', async () => {
    const { hands, node } = await setUp({ config: 'listen-peer-urls: "http://10.0.0.5:2380"\n' });
    expect(await etcdMembers(node, hands, NEVER)).toBe('unknown');
  });

  test("are found by the flags of etcd's unit, which override Magnum's configuration", async () => {
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
