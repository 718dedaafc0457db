import { expect, test } from 'vitest';
import { kubernetesCerts } from '../../../src/certificates/layouts/kubernetes-certs.ts';
import { fill } from '../../../src/certificates/template.ts';
import { planUnits, type UnitOverride, type UnitPlan } from '../../../src/services/unit.ts';
import { valuesOf } from '../support/requests.ts';

const TIMES = { deadline_seconds: 9, settle_seconds: 2 };

const plan = (overrides: Record<string, UnitOverride> = {}, values = valuesOf()): Map<string, UnitPlan> =>
  new Map(
    planUnits(kubernetesCerts.roles.master, (text) => fill(text, values), overrides, TIMES).map((unit) => [
      unit.name,
      unit,
    ]),
  );

test("fills a master's units with the node's addresses and the file that each must present", () => {
  const units = plan();
  expect(units.get('etcd')?.probe).toEqual({
    host: '10.0.0.5',
    port: 2379,
    file: '/etc/etcd/certs/server.crt',
  });
  expect(units.get('kube-apiserver')).toMatchObject({
    deadlineMs: 9000,
    settleMs: 2000,
    required: true,
    probe: { port: 6443, file: '/etc/kubernetes/certs/server.crt' },
  });
  expect(units.get('kubelet')?.probe).toMatchObject({
    port: 10_250,
    file: '/etc/kubernetes/certs/kubelet.crt',
  });
  expect(units.get('kube-proxy')).toMatchObject({ required: false });
});

test('uses KUBE_API_PORT for the API server', () => {
  expect(plan({}, valuesOf({ KUBE_API_PORT: '8443' })).get('kube-apiserver')?.probe?.port).toBe(8443);
});

test("lets the operator override a unit's address and time-out, or skip its probe", () => {
  const units = plan({
    etcd: { host: 'h', port: 1, deadline_seconds: 3, settle_seconds: 0 },
    'kube-apiserver': { prove: false, health: false },
    kubelet: { health: 'http://x/' },
  });
  expect(units.get('etcd')).toMatchObject({ probe: { host: 'h', port: 1 }, deadlineMs: 3000, settleMs: 0 });
  expect(units.get('kube-apiserver')).not.toHaveProperty('probe');
  expect(units.get('kube-apiserver')).not.toHaveProperty('health');
  expect(units.get('kubelet')?.probe).toBeDefined();
});
