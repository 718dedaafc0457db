import { expect, test } from 'vitest';
import { detailSignal, detailStep, showStep } from '../../../agent/plan/describe.ts';
import type { RunStep, Step } from '../../../agent/plan/step.ts';

const UNIT = { name: 'etcd', required: true, deadlineMs: 1000, settleMs: 0 };
const PROBED = { ...UNIT, probe: { host: 'fd00::6', port: 2379, file: '/etc/etcd/certs/server.crt' } };
const LIST = { unitPlan: UNIT, file: '/etc/etcd/client.crl', rereads: true };

test.each<[Step, string | undefined]>([
  [{ do: 'log-in', as: 'user u with trust t', token: undefined }, 'user u with trust t'],
  [{ do: 'restart', unitPlan: PROBED }, 'etcd'],
  [{ do: 'prove-list', list: LIST }, 'etcd'],
  [{ do: 'replace' }, undefined],
])('shows the step %j by its code and subject', (step, of) => {
  expect(showStep(step)).toMatchObject({ code: step.do, ...(of !== undefined && { of }) });
  expect('of' in showStep(step)).toBe(of !== undefined);
});

test("shows the address of a unit's probe as in a URL", () => {
  expect(showStep({ do: 'restart', unitPlan: PROBED }).text).toContain('[fd00::6]:2379');
});

test('shows no token, and only the names of an environment', () => {
  const logIn: Step = { do: 'log-in', as: 'the deployment', token: 'geheim' };
  const run: RunStep = {
    do: 'run',
    configFiles: [],
    request: {
      id: 'd1',
      what: 'the script',
      run: { script: 'true' },
      environment: [['PASSWORD', 'geheim']],
      timeoutMs: 60_000,
      graceMs: 1000,
      secrets: ['geheim'],
      outputs: [],
    },
  };
  const shown = JSON.stringify([logIn, run].map((step) => detailStep(step)));
  expect(shown).not.toContain('geheim');
  expect(detailStep(run).particulars).toMatchObject([{ code: 'environment', names: ['PASSWORD'] }]);
});

test('shows the answer by its transport', () => {
  expect(detailSignal({ transport: 'NO_SIGNAL' })).toMatchObject({
    code: 'signal',
    of: 'NO_SIGNAL',
    particulars: [],
  });
});

test('gives each particular of a step a code and fields beside its sentence', () => {
  const request = {
    name: 'etcd',
    ca: 'etcd',
    subject: [['CN', 'etcd']],
    names: ['IP:10.0.0.5'],
    keyUsage: [],
    extendedKeyUsage: [],
  } as const;
  expect(
    detailStep({ do: 'issue', authorities: ['etcd'], requests: [request], algorithm: 'rsa-4096' })
      .particulars,
  ).toMatchObject([
    { code: 'certificate', of: 'etcd', ca: 'etcd', subject: 'CN=etcd', names: ['IP:10.0.0.5'] },
  ]);
  expect(
    detailStep({
      do: 'stage',
      paths: ['/etc/a'],
      certificates: 'all',
      keys: 'all',
      serviceAccount: undefined,
      units: [],
      notices: [{ code: 'copy-left', of: '/etc/b', text: '/etc/b keeps a copy' }],
    }).particulars,
  ).toMatchObject([
    { code: 'file', of: '/etc/a' },
    { code: 'copy-left', of: '/etc/b' },
  ]);
  const plan = {
    host: 'h',
    port: 1,
    ca: '',
    leaf: '',
    holder: 'm0',
    identity: { certificate: '', key: '' },
    namespaces: ['kube-system'],
    perSecond: 2,
    deadlineMs: 1,
  };
  expect(detailStep({ do: 'restart-workloads', plan }).particulars).toMatchObject([
    { code: 'workloads', namespaces: ['kube-system'], perSecond: 2 },
  ]);
});

test('shows each line of a notice on its own line', () => {
  const notices = [{ code: 'phases-left', text: 'one\ntwo' } as const];
  const step: Step = {
    do: 'stage',
    paths: [],
    certificates: 'all',
    keys: 'all',
    serviceAccount: undefined,
    units: [],
    notices,
  };
  expect(detailStep(step).details).toEqual(['one', 'two']);
});
