import { expect, test } from 'vitest';
import { planRestart, stepsOf } from '../../../agent/plan/plan.ts';
import type { StepOf } from '../../../agent/plan/step.ts';
import type { ListPlan } from '../../../src/services/list.ts';
import type { UnitPlan } from '../../../src/services/unit.ts';
import type { ObjectsPlan } from '../../../src/services/workloads.ts';
import { nodeOf } from '../support/node.ts';

const unit = (name: string): UnitPlan => ({ name, required: true, deadlineMs: 1, settleMs: 0 });
const units = [unit('etcd'), unit('kubelet')];
const node = nodeOf('master');
const api: ObjectsPlan = {
  host: '127.0.0.1',
  port: 6443,
  leaf: '/l',
  ca: '/c',
  identity: { certificate: '/c', key: '/k' },
  holder: 'm',
  perSecond: 1,
  deadlineMs: 1,
};
const list: ListPlan = { unitPlan: unit('etcd'), file: '/crl', rereads: true };

const logIn: StepOf<'log-in'> = { do: 'log-in', as: 'u', token: undefined };
const check: StepOf<'check'> = { do: 'check', paths: [], units };
const compare: StepOf<'compare'> = {
  do: 'compare',
  phase: 'trust',
  authorities: [],
  serviceAccount: undefined,
};
const issue: StepOf<'issue'> = { do: 'issue', authorities: [], requests: [], algorithm: 'ec-p256' };
const stage: StepOf<'stage'> = {
  do: 'stage',
  paths: [],
  certificates: 'all',
  keys: 'all',
  serviceAccount: undefined,
  units,
};
const login = {
  user: 'u',
  userName: '',
  domain: '',
  password: 'p',
  trust: 't',
  region: '',
  authUrl: 'http://k',
};
const stageCredentials: StepOf<'stage-credentials'> = {
  do: 'stage-credentials',
  change: { old: login, fresh: login, given: [] },
  paths: [],
  units,
  objects: api,
  notices: [],
};
const stageFiles: StepOf<'stage-files'> = { do: 'stage-files', files: [], units, lists: [list], said: [] };
const seeCloud: StepOf<'see-cloud'> = { do: 'see-cloud', url: 'https://k', ca: 'pem' };
const askCluster: StepOf<'ask-cluster'> = { do: 'ask-cluster', ca: undefined, region: '' };

/** The names of the steps; a restart is shown with its unit. */
const shown = (plan: Parameters<typeof stepsOf>[0]): string[] =>
  stepsOf(plan).map((step) => (step.do === 'restart' ? `restart ${step.unitPlan.name}` : step.do));
const RESTARTS = ['restart etcd', 'restart kubelet'];

test('issues before it stages, stages before it replaces, and restarts the workloads last', () => {
  const workloads = { ...api, namespaces: [] };
  expect(
    shown({ kind: 'certificates', node, logIn, check, material: { issue }, stage: { ...stage, workloads } }),
  ).toEqual(['log-in', 'check', 'issue', 'stage', 'replace', ...RESTARTS, 'restart-workloads']);
});

test.each([
  [{ compare }, ['compare']],
  [{ compare, issue }, ['compare', 'issue']],
  [{ issue }, ['issue']],
])('compares the phase before any key is made: case %#', (material, made) => {
  const steps = shown({ kind: 'certificates', node, logIn, check, material, stage });
  expect(steps.slice(2, -4)).toEqual(made);
  expect(steps.slice(-4)).toEqual(['stage', 'replace', ...RESTARTS]);
});

test('replaces keys without a login', () => {
  expect(shown({ kind: 'keys', node, check, stage })).toEqual(['check', 'stage', 'replace', ...RESTARTS]);
});

test('proves the CA bundle before the login that needs it, and changes objects after the restarts', () => {
  const plan = { kind: 'credentials', node, check, stage: stageCredentials } as const;
  const rest = ['check', 'stage-credentials', 'replace', ...RESTARTS];
  expect(shown({ ...plan, seeCloud, login: { logIn, askCluster } })).toEqual([
    'see-cloud',
    'log-in',
    'ask-cluster',
    ...rest,
    'change-objects',
  ]);
  const alone = { ...plan, seeCloud: undefined, login: undefined };
  expect(shown({ ...alone, stage: { ...stageCredentials, objects: undefined } })).toEqual(rest);
});

test.each(['lists', 'kept'] as const)('proves revocation lists after the restarts: %s', (kind) => {
  expect(shown({ kind, check, stage: stageFiles })).toEqual([
    'check',
    'stage-files',
    'replace',
    ...RESTARTS,
    'prove-list',
  ]);
});

test('a restart replaces nothing, and checks its units first', () => {
  const plan = planRestart(units);
  expect(shown(plan)).toEqual(['check', ...RESTARTS]);
  expect(plan.check).toEqual({ do: 'check', paths: [], units });
});
