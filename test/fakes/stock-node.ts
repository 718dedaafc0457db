import { readStock } from '../src/support/stock.ts';
import type { TestNode } from './node.ts';
import type { Units, UnitSpec } from './units.ts';

/** Units as Magnum 15's fragments write them, on the ports of the stand-ins. */

/**
 * etcd and the kubelet listen only on the node's address, kube-apiserver on all; the scheduler signs its certificate
 * itself.
 */
export const stockUnits = (
  specs: Readonly<Record<string, UnitSpec>>,
  address: string,
): Record<string, UnitSpec> =>
  Object.fromEntries(
    Object.entries(specs).map(([unit, spec]) => [
      unit,
      unit === 'kube-scheduler'
        ? 'self-signed'
        : typeof spec === 'object' && ['etcd', 'kubelet'].includes(unit)
          ? { ...spec, host: address }
          : typeof spec === 'object' && unit === 'kube-apiserver'
            ? { ...spec, host: '0.0.0.0' }
            : spec,
    ]),
  );

const port = (url: string): string => new URL(url).port;

/** Replaces values in the captured files: the stand-ins' ports, and the addresses. */
export async function writeStock(
  { units, write }: { units: Units; write: TestNode['write'] },
  role: 'master' | 'worker',
  address: string,
): Promise<void> {
  const stock = readStock(`${role}-15`);
  const kubelet = `--address=${address} --port=${units.port('kubelet')} --healthz-port=${port(units.health('kubelet'))}`;
  const master = role === 'master';
  const api = String(master ? units.port('kube-apiserver') : 6443);
  const scheduler = master ? port(units.health('kube-scheduler')) : '';
  for (const [path, text] of stock.files) {
    // The test writes heat-params itself.
    if (path === '/etc/sysconfig/heat-params') continue;
    await write(
      path,
      text
        .replaceAll(/--address=\S+ --port=10250/g, kubelet)
        .replaceAll(/10\.0\.0\.[56]:2379/g, `${address}:${master ? units.port('etcd') : 0}`)
        .replaceAll(/10\.0\.0\.[56]/g, address)
        .replace('KUBE_API_ARGS="', `KUBE_API_ARGS="--secure-port=${api} `)
        .replace('KUBE_SCHEDULER_ARGS="', `KUBE_SCHEDULER_ARGS="--secure-port=${scheduler} `)
        .replaceAll('127.0.0.1:6443', `127.0.0.1:${api}`),
      0o644,
    );
  }
  for (const [unit, lines] of stock.units) units.show(unit, lines);
}
