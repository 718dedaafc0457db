import { createHash, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { credentialsChanged, restarted, success, unchanged } from '../../../agent/execution/report.ts';
import type { Material } from '../../../src/certificates/issue.ts';
import type { Change, CredentialSet } from '../../../src/files/credential-file.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { nodeOf } from '../support/node.ts';

const ca = createClusterCa('k1');
const kubelet = ca.issue([['CN', 'system:node:node-0']]);
const material: Material = {
  authorities: new Map([['kubernetes', ca.pem]]),
  certificates: new Map([['kubelet', { certificate: kubelet.cert, key: kubelet.key }]]),
};
/** Returns the SHA-256 of the DER, in hex, as `sha256sum` prints it. */
const markOf = (pem: string): string =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');

const UNIT: UnitPlan = { name: 'kube-proxy', required: true, deadlineMs: 1, settleMs: 0 };
const PROVEN: UnitPlan = {
  ...UNIT,
  name: 'kubelet',
  probe: { host: '::1', port: 10_250, file: '/etc/kubernetes/certs/kubelet.crt' },
};
const node = nodeOf('worker');

describe('a rotation', () => {
  test.each([
    ['trust', { fingerprint: markOf(ca.pem) }],
    ['retire', { fingerprint: markOf(ca.pem) }],
    ['reissue', { fingerprint: markOf(ca.pem), certificates: { kubelet: markOf(kubelet.cert) } }],
    ['all', { fingerprint: markOf(ca.pem), certificates: { kubelet: markOf(kubelet.cert) } }],
  ] as const)('of the phase %s answers with what it installs', (certificates, outputs) => {
    const outcome = success({ certificates, keys: certificates }, [], material, node, [], []);
    expect(outcome).toMatchObject({ is: 'succeeded', statusCode: 0, stderr: '' });
    expect(outcome.outputs).toEqual(outputs);
  });

  test.each(['grace', 'first', 'trust', 'all'] as const)(
    'of service-account keys alone (%s) names no certificate',
    (keys) => {
      expect(success({ certificates: undefined, keys }, [], undefined, node, [], []).outputs).toEqual({});
    },
  );

  test('has a different sentence for each change of the service-account keys', () => {
    const said = (['grace', 'first', 'trust', 'all'] as const).map(
      (keys) => success({ certificates: undefined, keys }, [], undefined, node, [], []).stdout,
    );
    expect(new Set(said).size).toBe(said.length);
  });

  test('lists its files, units and notices in this order, one a line', () => {
    const step = { certificates: 'all', keys: 'all' } as const;
    const { stdout } = success(step, ['/f1', '/f2'], material, node, [PROVEN, UNIT], ['a notice']);
    const [first, ...lines] = stdout.split('\n');
    expect(first).toContain(markOf(ca.pem));
    expect(lines).toEqual([
      '  /f1',
      '  /f2',
      'kubelet presents /etc/kubernetes/certs/kubelet.crt on [::1]:10250',
      'kube-proxy is active',
      'a notice',
      '',
    ]);
  });
});

test('a change of credentials answers with its files, and shows the user but no password', () => {
  const old: CredentialSet = {
    user: 'u1',
    userName: '',
    domain: '',
    password: 'password-old-1',
    trust: 't1',
    region: 'R',
    authUrl: 'http://k/v3',
  };
  const fresh = { ...old, user: 'u2', password: 'password-new-1', trust: '' };
  const change: Change = { old, fresh, given: ['user', 'password', 'trust'] };
  const { outputs, stdout } = credentialsChanged(change, ['/f'], [UNIT], ['a notice']);
  expect(outputs).toEqual({ files: ['/f'] });
  expect(stdout.split('\n').slice(1)).toEqual(['  /f', 'kube-proxy is active', 'a notice', '']);
  expect(stdout).toContain('u2');
  expect(stdout).not.toMatch(/t1|password/);
});

test('a restart answers with each unit and the certificate that proves it', () => {
  expect(restarted([PROVEN, UNIT]).outputs).toEqual({
    restarted: [
      { unit: 'kubelet', presents: '/etc/kubernetes/certs/kubelet.crt', on: '[::1]:10250' },
      { unit: 'kube-proxy', presents: null, on: null },
    ],
  });
});

test('a rotation without a change succeeds, with a reason of its phase', () => {
  const steps = [
    { certificates: 'trust', keys: 'keep' },
    { certificates: 'retire', keys: 'keep' },
    { certificates: undefined, keys: 'grace' },
    { certificates: 'all', keys: 'all' },
  ] as const;
  const outcomes = steps.map(unchanged);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ is: 'succeeded', outputs: {} });
  expect(new Set(outcomes.map(({ stdout }) => stdout)).size).toBe(steps.length);
});
