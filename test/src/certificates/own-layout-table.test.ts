import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { RoleLayout } from '../../../src/certificates/layout.ts';
import { OwnLayout } from '../../../src/certificates/own-layout.ts';
import { tableOf } from '../../../src/certificates/own-layout-table.ts';

type Role = NonNullable<v.InferInput<typeof OwnLayout>['roles']['node']>;

const CERTIFICATE = { name: 'server', ca: 'kubernetes', subject: ['CN=a=b', 'O=system:nodes'] } as const;
const ROLE: Role = {
  authorities: [{ ca: 'kubernetes', file: '/k/ca.crt' }],
  certificates: [{ ...CERTIFICATE, subject: [...CERTIFICATE.subject] }],
};

const layoutOf = (roles: v.InferInput<typeof OwnLayout>['roles'], more: object = {}) =>
  tableOf(v.parse(OwnLayout, { name: 'mine', roles, ...more }));
const nodeOf = (change: Partial<Role> = {}): RoleLayout =>
  layoutOf({ node: { ...ROLE, ...change } }).roles.master;

test('gives both roles one object if there is only one, so that a node needs no role', () => {
  const { master, worker } = layoutOf({ node: ROLE }).roles;
  expect(worker).toBe(master);
  const { roles } = layoutOf({ master: ROLE, worker: { ...ROLE, units: [{ unit: 'proxy' }] } });
  expect([roles.master.units, roles.worker.units.map(({ unit }) => unit)]).toEqual([[], ['proxy']]);
});

test('keeps name, evidence and limits', () => {
  const more = { evidence: { files: ['/k'] }, limits: ['no etcd'] };
  expect(layoutOf({ node: ROLE }, more)).toMatchObject({
    name: 'mine',
    evidence: { files: ['/k'], params: [] },
    limits: [{ code: 'own', text: 'no etcd' }],
  });
});

test('splits a subject at the first equals sign', () => {
  expect(nodeOf().certificates[0]).toMatchObject({
    subject: [
      ['CN', 'a=b'],
      ['O', 'system:nodes'],
    ],
    files: undefined,
  });
});

test('gives files root as their owner, and modes by what they hold', () => {
  const { authorities, certificates, kubeconfigs, serviceAccount } = nodeOf({
    certificates: [
      { ...CERTIFICATE, subject: ['CN=a'], certificate_file: '/k/a.crt', key_file: '/k/a.key' },
      { ...CERTIFICATE, name: 'one', subject: ['CN=b'], certificate_file: '/k/b.pem', key_file: '/k/b.pem' },
    ],
    kubeconfigs: [{ file: '/k/a.conf', certificate: 'server', ca: 'kubernetes' }],
    service_account: { public_key_file: '/k/sa.pub', private_key_file: '/k/sa.key' },
  });
  expect(authorities[0]?.file).toEqual({
    path: '/k/ca.crt',
    owner: 'root',
    group: 'root',
    mode: 0o644,
    directoryMode: 0o755,
  });
  const modes = certificates.map(({ files }) => [files?.certificate.mode, files?.key.mode]);
  // A file with a key is secret.
  expect(modes).toEqual([
    [0o644, 0o600],
    [0o600, 0o600],
  ]);
  expect(kubeconfigs[0]?.file.mode).toBe(0o600);
  expect([serviceAccount?.publicKeyFile.mode, serviceAccount?.privateKeyFile.mode]).toEqual([0o644, 0o600]);
});

test('reads modes as octal, and takes the group from the owner', () => {
  const file = { path: '/k/ca.crt', owner: 'etcd', mode: '0640', directory_mode: '750' };
  expect(nodeOf({ authorities: [{ ca: 'kubernetes', file }] }).authorities[0]?.file).toEqual({
    path: '/k/ca.crt',
    owner: 'etcd',
    group: 'etcd',
    mode: 0o640,
    directoryMode: 0o750,
  });
});

test('lets every unit verify and sign tokens unless they are named', () => {
  const files = { public_key_file: '/k/sa.pub', private_key_file: '/k/sa.key' };
  const units = [{ unit: 'api' }, { unit: 'manager' }];
  expect(nodeOf({ units, service_account: files }).serviceAccount).toMatchObject({
    verifiers: ['api', 'manager'],
    signers: ['api', 'manager'],
  });
  expect(nodeOf({ units, service_account: { ...files, signers: ['manager'] } }).serviceAccount).toMatchObject(
    {
      verifiers: ['api', 'manager'],
      signers: ['manager'],
    },
  );
});

test('converts units: ports are templates, and what is absent stays absent', () => {
  const [first, second] = nodeOf({
    certificates: [{ ...CERTIFICATE, subject: ['CN=a'], certificate_file: '/k/a.crt', key_file: '/k/a.key' }],
    units: [
      {
        unit: 'api',
        deadline_seconds: 5,
        kubernetes_api: true,
        stop_first: ['other'],
        probe: { port: 6443, presents: 'server' },
        health: { url: 'https://x/' },
      },
      { unit: 'other', required: false },
    ],
  }).units;
  expect(first).toEqual({
    unit: 'api',
    required: true,
    deadlineSeconds: 5,
    isKubernetesApi: true,
    stopFirst: ['other'],
    probe: { host: '127.0.0.1', port: '6443', presents: 'server' },
    health: { url: 'https://x/' },
  });
  expect(second).toEqual({ unit: 'other', required: false });
});
