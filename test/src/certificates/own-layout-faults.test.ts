import * as v from 'valibot';
import { expect, test } from 'vitest';
import { type Fault, faultsOf } from '../../../src/certificates/own-layout-faults.ts';
import { RoleRows } from '../../../src/certificates/own-layout-rows.ts';

type Rows = v.InferInput<typeof RoleRows>;

const SERVER: Rows['certificates'][number] = {
  name: 'server',
  ca: 'kubernetes',
  subject: ['CN=server'],
  certificate_file: '/k/server.crt',
  key_file: '/k/server.key',
};
const EMBEDDED: typeof SERVER = { name: 'embedded', ca: 'kubernetes', subject: ['CN=embedded'] };
const KUBECONFIG = { file: '/k/a.conf', certificate: 'embedded', ca: 'kubernetes' } as const;

const ROLE: Rows = {
  authorities: [{ ca: 'kubernetes', file: '/k/ca.crt' }],
  certificates: [SERVER, EMBEDDED],
  kubeconfigs: [KUBECONFIG],
  service_account: { public_key_file: '/k/sa.pub', private_key_file: '/k/sa.key', verifiers: ['api'] },
  units: [
    { unit: 'api', probe: { port: 1, presents: 'server' }, health: { url: 'https://x', as: 'server' } },
  ],
  revocation_lists: [{ ca: 'kubernetes', file: '/k/crl.pem', unit: 'api' }],
  credentials: [{ file: '/k/cloud.conf', format: 'ini' }],
};

const pathsOf = (change: Partial<Rows>): Fault['path'][] =>
  faultsOf(v.parse(RoleRows, { ...ROLE, ...change })).map(({ path }) => path);

test('accepts a role whose rows refer to each other', () => {
  expect(pathsOf({})).toEqual([]);
});

test.each<[string, Partial<Rows>, Fault['path']]>([
  [
    'a CA of a certificate',
    { certificates: [{ ...SERVER, ca: 'etcd' }, EMBEDDED] },
    ['certificates', 0, 'ca'],
  ],
  ['a CA of a kubeconfig', { kubeconfigs: [{ ...KUBECONFIG, ca: 'etcd' }] }, ['kubeconfigs', 0, 'ca']],
  [
    'a certificate of a kubeconfig',
    { kubeconfigs: [{ ...KUBECONFIG, certificate: 'none' }] },
    ['kubeconfigs', 0, 'certificate'],
  ],
  [
    'the file of a certificate that a kubeconfig names by path',
    { kubeconfigs: [{ ...KUBECONFIG, by_path: true }] },
    ['kubeconfigs', 0, 'certificate'],
  ],
  [
    'the file that a port presents',
    { units: [{ unit: 'api', probe: { port: 1, presents: 'embedded' } }] },
    ['units', 0, 'probe', 'presents'],
  ],
  [
    'the client certificate of a health check',
    { units: [{ unit: 'api', health: { url: 'https://x', as: 'none' } }] },
    ['units', 0, 'health', 'as'],
  ],
  [
    'a unit to stop that does not come after',
    {
      units: [
        { unit: 'api', stop_first: ['scheduler'] },
        { unit: 'scheduler', stop_first: ['api'] },
      ],
    },
    ['units', 1, 'stop_first', 0],
  ],
  [
    "a signer of the service account's tokens",
    {
      service_account: { public_key_file: '/k/p', private_key_file: '/k/s', signers: ['api', 'none'] },
    },
    ['service_account', 'signers', 1],
  ],
  [
    'the CA of a revocation list',
    { revocation_lists: [{ ca: 'etcd', file: '/k/crl.pem', unit: 'api' }] },
    ['revocation_lists', 0, 'ca'],
  ],
  [
    'the unit of a revocation list',
    { revocation_lists: [{ ca: 'kubernetes', file: '/k/crl.pem', unit: 'none' }] },
    ['revocation_lists', 0, 'unit'],
  ],
])('points to a reference to nothing: %s', (_, change, path) => {
  expect(pathsOf(change)).toEqual([path]);
});

test.each<[string, Partial<Rows>, Fault['path']]>([
  [
    'one name for two certificates',
    { certificates: [SERVER, EMBEDDED, { ...EMBEDDED }] },
    ['certificates', 2, 'name'],
  ],
  [
    'a certificate file without a key file',
    { certificates: [SERVER, { ...EMBEDDED, certificate_file: '/k/e.crt' }] },
    ['certificates', 1, 'certificate_file'],
  ],
  [
    'a key file without a certificate file',
    { certificates: [SERVER, { ...EMBEDDED, key_file: '/k/e.key' }] },
    ['certificates', 1, 'key_file'],
  ],
  [
    'a CA with only a file for one CA',
    { authorities: [{ ca: 'kubernetes', file: '/k/ca.crt', single: true }] },
    ['authorities', 0, 'single'],
  ],
])('points to %s', (_, change, path) => {
  expect(pathsOf(change)).toEqual([path]);
});

test('counts kubernetes and kubelet as one CA beside a file for one CA', () => {
  const authorities = [
    { ca: 'kubernetes', file: '/k/ca.crt', single: true },
    { ca: 'kubelet', file: '/k/kubelet-ca.crt' },
  ] as const;
  expect(pathsOf({ authorities: [...authorities] })).toEqual([]);
});

test.each<[string, Partial<Rows>, Fault['path']]>([
  [
    'two authorities',
    {
      authorities: [
        { ca: 'kubernetes', file: '/k/ca.crt' },
        { ca: 'etcd', file: { path: '/k/ca.crt' } },
      ],
    },
    ['authorities', 1, 'file'],
  ],
  [
    'a CA and a certificate',
    { certificates: [{ ...SERVER, certificate_file: { path: '/k/ca.crt' } }, EMBEDDED] },
    ['certificates', 0, 'certificate_file'],
  ],
  [
    'two certificates',
    { certificates: [SERVER, { ...EMBEDDED, certificate_file: '/k/e.crt', key_file: '/k/server.key' }] },
    ['certificates', 1, 'key_file'],
  ],
  ['two kubeconfigs', { kubeconfigs: [KUBECONFIG, KUBECONFIG] }, ['kubeconfigs', 1, 'file']],
  [
    'a revocation list and a kubeconfig',
    { revocation_lists: [{ ca: 'kubernetes', file: '/k/a.conf', unit: 'api' }] },
    ['revocation_lists', 0, 'file'],
  ],
  [
    'credentials and a CA',
    { credentials: [{ file: '/k/ca.crt', format: 'ini' }] },
    ['credentials', 0, 'file'],
  ],
  [
    "both keys of the service account's pair",
    { service_account: { public_key_file: '/k/sa', private_key_file: '/k/sa' } },
    ['service_account', 'private_key_file'],
  ],
])('points to the second use of a file by %s', (_, change, path) => {
  expect(pathsOf(change)).toEqual([path]);
});

test('lets a certificate and its key share a file', () => {
  expect(pathsOf({ certificates: [{ ...SERVER, key_file: '/k/server.crt' }, EMBEDDED] })).toEqual([]);
});
