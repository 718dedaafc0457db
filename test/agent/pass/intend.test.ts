import { describe, expect, test } from 'vitest';
import { intend, intendToRestart } from '../../../agent/pass/intend.ts';
import type { Intention } from '../../../agent/plan/intention.ts';
import type { RunState } from '../../../src/hooks/runs.ts';
import type { Operation } from '../../../src/operation/operation.ts';
import { selectRun } from '../../../src/operation/run.ts';
import { createHands, type HandsSpec } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { deployment } from '../../src/support/deployments.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { RUNNING } from '../support/script-run.ts';

const PARAMS = ['NODEGROUP_ROLE=worker', 'CLUSTER_UUID=c1', 'INSTANCE_NAME=w0', 'KUBE_NODE_IP=10.0.0.5'];
const NODE: HandsSpec = {
  files: { '/etc/sysconfig/heat-params': `${PARAMS.join('\n')}\n` },
  config: ['layout: kubernetes-certs'],
  units: ['kubelet', 'kube-proxy'],
};
const ANY = deployment({});
const SCRIPT = deployment({}, { group: 'script', config: '#!/bin/sh\n' });
/** As the Magnum fragment of that name does it. */
const MAKE_CERT = deployment(
  {},
  {
    group: 'script',
    config: '#!/bin/sh\ncurl "$MAGNUM_URL/certificates" && cat >/etc/kubernetes/certs/ca.crt\n',
  },
);

const intended = async (operation: Operation, of = ANY, spec = NODE): Promise<Intention | undefined> => {
  const { hands } = await createHands(spec);
  return await intend(operation, of, [], hands, NEVER);
};
const runOf = (of: typeof SCRIPT): Operation => {
  const operation = selectRun(of);
  if (operation?.kind !== 'run') throw new Error('a script is no run');
  return operation;
};

const inState = async (state: RunState): Promise<Intention | undefined> => {
  const { hands } = await createHands(NODE);
  const look = async (): Promise<RunState> => await Promise.resolve(state);
  const own = { ...hands, runs: { ...hands.runs, runs: { ...hands.runs.runs, look } } };
  return await intend(runOf(SCRIPT), SCRIPT, [], own, NEVER);
};

test('does nothing for an operation without work, with its reason', async () => {
  const none: Operation = { kind: 'none', reason: 'action-asks-nothing', why: 'deleted' };
  expect(await intended(none)).toEqual({ kind: 'nothing', reason: 'action-asks-nothing', why: 'deleted' });
});

test('rejects an operation to be rejected, with its reason', async () => {
  const refuse: Operation = { kind: 'refuse', reason: 'timeout-invalid', why: 'no' };
  expect(await faultIn(intended(refuse))).toEqual({ code: 'bad-deployment', reason: 'timeout-invalid' });
});

async function plannedUnits(units: string[] | undefined, running: string[] = ['kubelet', 'kube-proxy']) {
  const { hands } = await createHands({ ...NODE, units: running });
  const { plan } = await intendToRestart({ kind: 'restart', units }, hands, NEVER);
  return plan.kind === 'restart' ? plan.units.map(({ name, required }) => ({ name, required })) : plan.kind;
}

describe('a restart', () => {
  test('includes the running units', async () => {
    expect(await plannedUnits(undefined)).toMatchObject([{ name: 'kubelet' }, { name: 'kube-proxy' }]);
    // A worker may lack kube-proxy.
    expect(await plannedUnits(undefined, ['kubelet'])).toMatchObject([{ name: 'kubelet' }]);
  });

  test('of named units includes only these, even if they do not run yet', async () => {
    expect(await plannedUnits(['kube-proxy'], [])).toEqual([{ name: 'kube-proxy', required: true }]);
  });

  test('of an unknown unit is rejected', async () => {
    expect(await faultIn(plannedUnits(['kubelet', 'nginx']))).toEqual({
      code: 'precondition',
      reason: 'unknown-unit',
    });
  });
});

describe('a script', () => {
  test('is run unless it has been started', async () => {
    expect(await inState({ is: 'none' })).toMatchObject({ kind: 'run', run: { do: 'run' } });
    const lost: RunState = { is: 'lost', order: undefined, reason: 'run-overdue', why: '' };
    for (const state of [RUNNING, lost])
      expect(await inState(state)).toMatchObject({ kind: 'run', run: { do: 'take-up', id: SCRIPT.id } });
  });

  test('of a group without a hook is ignored', async () => {
    const other = deployment({}, { group: 'somebody-else' });
    expect(await intended(runOf(other), other)).toBeUndefined();
  });

  test('that makes certificates is never run on the node', async () => {
    expect(await faultIn(intended(runOf(MAKE_CERT), MAKE_CERT))).toEqual({
      code: 'precondition',
      reason: 'no-agent-container',
    });
  });
});
