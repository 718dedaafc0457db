import { expect, test } from 'vitest';
import { detailStep, showStep, signalStep } from '../../../agent/plan/describe.ts';
import type { RunStep, Step } from '../../../agent/plan/step.ts';

const UNIT = { name: 'etcd', required: true, deadlineMs: 1000, settleMs: 0 };
const PROBED = { ...UNIT, probe: { host: 'fd00::6', port: 2379, file: '/etc/etcd/certs/server.crt' } };
const LIST = { unitPlan: UNIT, file: '/etc/etcd/client.crl', rereads: true };

test.each<[Step, string | undefined]>([
  [{ do: 'log-in', as: 'user u with trust t', token: undefined }, 'user u with trust t'],
  [{ do: 'restart', unitPlan: PROBED }, 'etcd'],
  [{ do: 'prove-list', list: LIST }, 'etcd'],
  [{ do: 'replace' }, undefined],
])('shows the step %j by its code and what it is about', (step, of) => {
  expect(showStep(step)).toMatchObject({ code: step.do, ...(of !== undefined && { of }) });
  expect('of' in showStep(step)).toBe(of !== undefined);
});

test('shows where a unit is asked for its certificate as a URL has it', () => {
  expect(showStep({ do: 'restart', unitPlan: PROBED }).text).toContain('[fd00::6]:2379');
});

test('shows no token, and of an environment the names alone', () => {
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
  const shown = JSON.stringify([logIn, run].map((step) => [showStep(step), detailStep(step)]));
  expect(shown).not.toContain('geheim');
  expect(shown).toContain('PASSWORD');
});

test('shows the answer by its transport', () => {
  expect(signalStep({ transport: 'NO_SIGNAL' })).toMatchObject({ code: 'signal', of: 'NO_SIGNAL' });
});
