import { expect, test } from 'vitest';
import { kubernetesCerts } from '../../../src/certificates/layouts/kubernetes-certs.ts';
import { kubernetesPki } from '../../../src/certificates/layouts/kubernetes-pki.ts';
import { requestsOf, requiredKeys } from '../../../src/certificates/request.ts';
import { thrownBy } from '../support/outcome-of.ts';
import { valuesOf } from '../support/requests.ts';

const namesOf = (over: Record<string, string>): readonly string[] =>
  requestsOf(kubernetesCerts.roles.master, valuesOf(over))[0]?.names ?? [];

test('omits names without a value on the node, and duplicates', () => {
  expect(
    namesOf({
      KUBE_NODE_PUBLIC_IP: '',
      KUBE_API_PUBLIC_ADDRESS: '10.0.0.5',
      ETCD_LB_VIP: '',
      MASTER_HOSTNAME: ' ',
    }),
  ).toEqual([
    '10.0.0.5',
    '10.0.0.9',
    '127.0.0.1',
    '10.254.0.1',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ]);
});

test('drops the dot that ends an absolute name, because a DNS name in a certificate has none', () => {
  expect(namesOf({ MASTER_HOSTNAME: 'api.example.net.' })).toContain('api.example.net');
});

test.each([
  'a b',
  'x,DNS:evil',
  'über.example',
  '-x',
  'x-',
  '10.0.0.5/24',
  'http://x',
  'fe80::1%eth0',
  '.x',
  'a\nb',
])('rejects %j, neither an address nor a host name, before it sends any request', (name) => {
  const error = thrownBy(() => namesOf({ KUBE_API_PUBLIC_ADDRESS: name }));
  expect(error.code).toBe('bad-heat-params');
  expect(error.message).toContain(JSON.stringify(name));
});

test.each(['api.example.org', '*.example.org', 'k8s_node', 'fd00::1', 'X1'])('accepts %s', (name) => {
  expect(namesOf({ KUBE_API_PUBLIC_ADDRESS: name })).toContain(name);
});

test('requires the values of a subject', () => {
  for (const { roles } of [kubernetesCerts, kubernetesPki])
    for (const role of Object.values(roles))
      expect(new Set(requiredKeys(role))).toEqual(new Set(['INSTANCE_NAME']));
});
