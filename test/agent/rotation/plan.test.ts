import { describe, expect, test } from 'vitest';
import {
  planEndOfGrace,
  planFirstCertificates,
  planFirstKeys,
  planKeys,
  planRenewal,
  planRotation,
} from '../../../agent/rotation/plan.ts';
import type { Phase } from '../../../src/operation/phase.ts';
import { ROTATE_ALL } from '../../../src/operation/operation.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { testHands } from '../support/hands.ts';
import { nodeOf } from '../support/node.ts';

const node = nodeOf('master');
const UNITS: UnitPlan[] = node.layout.units.map(({ unit: name, required }) => ({
  name,
  required,
  deadlineMs: 1,
  settleMs: 1,
}));
const PAIR = { publicKey: 'public', privateKey: 'private' };
const COPIES = { paths: ['/home/copy.crt'], left: [{ path: '/home/left.crt', what: 'left' }] };

const CERTS = '/etc/kubernetes/certs';
const CAS = [`${CERTS}/ca.crt`, '/etc/etcd/certs/ca.crt', `${CERTS}/front-proxy/ca.crt`];
/** The stems of make-cert.sh and make-cert-client.sh on a master. */
const LEAVES = [
  ...['server', 'kubelet', 'proxy', 'admin', 'front-proxy/server', 'front-proxy/admin'].map(
    (stem) => `${CERTS}/${stem}`,
  ),
  '/etc/etcd/certs/server',
  '/etc/etcd/certs/admin',
].flatMap((stem) => [`${stem}.crt`, `${stem}.key`]);
const KEYS = [`${CERTS}/service_account.key`, `${CERTS}/service_account_private.key`];
const COPY = '/home/copy.crt';
const LEFT = { code: 'copy-left', of: '/home/left.crt', text: 'left' } as const;
const MORE = { code: 'upgrade-done', text: 'more' } as const;

const rotation = async (phase: Phase, over: Partial<typeof ROTATE_ALL> = {}) =>
  planRotation({ ...ROTATE_ALL, phase, ...over }, node, UNITS, (await testHands()).hands.config, COPIES, [
    MORE,
  ]);

describe('a rotation', () => {
  test.each([
    ['all', [...CAS, ...LEAVES, COPY]],
    ['trust', [...CAS, ...KEYS, COPY]],
    ['reissue', [...CAS, ...LEAVES, ...KEYS, COPY]],
    ['retire', [...CAS, ...KEYS, COPY]],
  ] as const)('checks and stages the files of its phase: %s', async (phase, paths) => {
    const { check, stage } = await rotation(phase);
    expect(new Set(check.paths)).toEqual(new Set(paths));
    expect(stage.paths).toEqual(check.paths);
    expect(stage).toMatchObject({ certificates: phase, keys: phase, units: UNITS });
    expect(check.units).toEqual(UNITS);
  });

  test('replaces token keys at once if it brings others', async () => {
    const { stage } = await rotation('all', { serviceAccount: PAIR });
    expect(stage.paths).toEqual(expect.arrayContaining(KEYS));
    expect(stage.serviceAccount).toEqual(PAIR);
  });

  test.each([
    ['all', false, true],
    ['trust', true, false],
    ['reissue', true, true],
    ['retire', true, false],
  ] as const)(
    'compares before a phase, and issues certificates if leaves are new: %s',
    async (phase, compares, issues) => {
      const { material } = await rotation(phase);
      expect(material.compare !== undefined).toBe(compares);
      expect(material.issue !== undefined).toBe(issues);
      expect((material.compare ?? material.issue)?.authorities).toEqual(['kubelet', 'etcd', 'front-proxy']);
    },
  );

  test.each([
    ['all', [LEFT, MORE]],
    ['trust', [MORE]],
    ['reissue', [LEFT, MORE]],
    ['retire', [MORE]],
  ] as const)('reports copies that stay if leaves are new: %s', async (phase, notices) => {
    expect((await rotation(phase)).stage.notices).toEqual(notices);
  });

  test("uses the deployment's grace in milliseconds, or the node's", async () => {
    expect((await rotation('all', { graceSeconds: 90 })).stage.graceMs).toBe(90_000);
    expect((await rotation('all')).stage.graceMs).toBeUndefined();
  });

  test("uses the deployment's token if it has one", async () => {
    expect((await rotation('all', { keystoneToken: 'token' })).logIn.token).toBe('token');
    expect((await rotation('all')).logIn.token).toBeUndefined();
  });
});

test("keeps Magnum's CAs, token keys and workloads in a renewal", async () => {
  const { config } = (await testHands()).hands;
  const { material, stage, check } = planRenewal(node, true, UNITS, config, COPIES);
  expect(material.compare).toMatchObject({ phase: 'renew', mustLast: true });
  expect(material.issue).toBeDefined();
  expect(new Set(stage.paths)).toEqual(new Set([...CAS, ...LEAVES, COPY]));
  expect(check.paths).toEqual(stage.paths);
  expect(stage).toMatchObject({ keys: 'keep', workloads: undefined });
});

test("restarts nothing for a node's first certificates and keys", async () => {
  const { config } = (await testHands()).hands;
  expect(planFirstCertificates(ROTATE_ALL, node, config).stage).toMatchObject({ keys: 'all', units: [] });
  const { stage } = planFirstKeys(PAIR, node);
  expect(stage).toMatchObject({ keys: 'first', certificates: undefined, serviceAccount: PAIR, units: [] });
  expect(new Set(stage.paths)).toEqual(new Set(KEYS));
});

test.each([
  ['trust', 'trust'],
  ['reissue', 'all'],
  ['retire', 'all'],
  ['all', 'all'],
] as const)('restarts units that sign and verify for other keys: %s', (phase, keys) => {
  const { stage } = planKeys({ phase, serviceAccount: PAIR }, node, UNITS, [MORE]);
  expect(stage).toMatchObject({ keys, certificates: undefined, serviceAccount: PAIR, notices: [MORE] });
  expect(stage.units.map(({ name }) => name)).toEqual(['kube-apiserver', 'kube-controller-manager']);
});

test('replaces only the public keys at the end of a grace, for units that verify', () => {
  const { stage } = planEndOfGrace(node, UNITS);
  expect(stage).toMatchObject({ keys: 'grace', paths: [KEYS[0]], serviceAccount: undefined });
  expect(stage.units.map(({ name }) => name)).toEqual(['kube-apiserver']);
  expect(planEndOfGrace(nodeOf('worker'), UNITS).stage).toMatchObject({ paths: [], units: [] });
});
