import { expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import { intendToUpgrade } from '../../../agent/pass/intend-upgrade.ts';
import type { RunState } from '../../../src/hooks/runs.ts';
import type { MagnumUpdate } from '../../../src/operation/magnum-deployment.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { deployment } from '../../src/support/deployments.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { nodeOf } from '../support/node.ts';
import { ORDER, RUNNING } from '../support/script-run.ts';

const NODE = nodeOf('worker', { KUBE_TAG: 'v1.20.6' });
const WORK = deployment(
  { kube_tag_input: 'v1.21.1' },
  { id: 'work', group: 'script', config: '#!/bin/sh\n' },
);
const START =
  '/bin/podman run --name heat-container-agent --volume /etc:/etc docker.io/openstackmagnum/heat-container-agent:x /usr/bin/start';

const NOTHING: MagnumUpdate['wants'] = {
  kubeTag: undefined,
  ostreeCommit: undefined,
  ostreeRemote: undefined,
};
const TAG = { ...NOTHING, kubeTag: 'v1.21.1' };
const COMMIT = { ...NOTHING, ostreeCommit: 'new', ostreeRemote: 'fcos' };

const endedWith = (statusCode: number): RunState => ({
  is: 'ended',
  order: ORDER,
  result: { stdout: '', stderr: '', statusCode },
});
const LOST: RunState = { is: 'lost', order: ORDER, reason: 'run-killed', why: 'killed' };

type Given = {
  run?: RunState;
  upgrade?: string | undefined;
  commandLines?: string[];
  /** What OSTree reports, one after the other; the last one stays. */
  commits?: string[];
  remote?: string;
};

async function intend(wants: MagnumUpdate['wants'], given: Given = {}) {
  const { run = { is: 'none' }, commandLines = [START], remote = 'fcos' } = given;
  const commits = [...(given.commits ?? ['old'])];
  const { hands, clock } = await createHands();
  const over: Partial<Hands> = {
    runs: {
      ...hands.runs,
      endOfUnit: async () => await Promise.resolve(undefined),
      runs: { ...hands.runs.runs, look: async () => await Promise.resolve(run) },
    },
    deployedOs: async () => {
      const [commit] = commits;
      if (commits.length > 1) commits.shift();
      return await Promise.resolve({ commit, remote });
    },
    unitSettings: async () =>
      await Promise.resolve({ text: '', commandLines, environment: '', environmentFiles: [] }),
  };
  const upgrade = 'upgrade' in given ? given.upgrade : '#!/bin/sh\necho upgrade\n';
  const operation: MagnumUpdate = {
    kind: 'magnum-update',
    serviceAccount: { publicKey: 'p', privateKey: 'k' },
    wants,
    upgrade,
  };
  return { upgrade: intendToUpgrade(operation, WORK, NODE, { ...hands, ...over }, NEVER), clock };
}

test.each([
  ['nothing', NOTHING, {}],
  ["the node's Kubernetes", { ...NOTHING, kubeTag: 'v1.20.6' }, {}],
  ["the node's commit", COMMIT, { commits: ['new'] }],
  ["the node's remote", { ...NOTHING, ostreeRemote: 'fcos' }, {}],
])('is not asked for %s', async (_, wants, given) => {
  expect(await (await intend(wants, given)).upgrade).toEqual({ is: 'not-asked' });
});

test.each([
  ['another Kubernetes', TAG, {}],
  ['another commit', COMMIT, {}],
  ['another remote', { ...NOTHING, ostreeRemote: 'other' }, {}],
])("runs Magnum's script in a container for %s", async (_, wants, given) => {
  expect(await (await intend(wants, given)).upgrade).toMatchObject({
    is: 'due',
    intention: { kind: 'run', continues: true, magnum: 'upgrade', run: { do: 'run' } },
  });
});

test('a commit decides before a remote', async () => {
  const wants = { ...COMMIT, ostreeRemote: 'other' };
  expect(await (await intend(wants, { commits: ['new'] })).upgrade).toEqual({ is: 'not-asked' });
});

test('resumes a run that is under way, without asking the node', async () => {
  expect(await (await intend(TAG, { run: RUNNING })).upgrade).toMatchObject({
    is: 'due',
    intention: { kind: 'run', run: { do: 'take-up', id: 'work' }, continues: true },
  });
});

test('is done once its run has ended and the node is in the requested state', async () => {
  const wants = { ...NOTHING, kubeTag: 'v1.20.6' };
  expect(await (await intend(wants, { run: endedWith(0) })).upgrade).toMatchObject({ is: 'done' });
  // The node may have been restarted by it.
  expect(await (await intend(wants, { run: LOST })).upgrade).toMatchObject({ is: 'done' });
});

test.each([
  ['has ended without it', TAG, endedWith(0)],
  ['has failed', COMMIT, endedWith(1)],
  ['was lost', COMMIT, LOST],
])('fails if its run %s', async (_, wants, run) => {
  expect(await faultIn((await intend(wants, { run })).upgrade)).toEqual({
    code: 'unit',
    reason: 'upgrade-incomplete',
  });
});

test('waits for the reboot into the commit, at most ten minutes', async () => {
  const soon = await intend(COMMIT, { run: endedWith(0), commits: ['old', 'old', 'old', 'new'] });
  expect(await soon.upgrade).toMatchObject({ is: 'done' });
  const never = await intend(COMMIT, { run: endedWith(0) });
  expect(await faultIn(never.upgrade)).toMatchObject({ code: 'unit' });
  expect(never.clock.elapsed()).toBeGreaterThanOrEqual(600_000);
});

test.each([
  ['whose upgrade cannot be told from its certificates', { upgrade: undefined }, 'upgrade-inseparable'],
  ['on a node without its container', { commandLines: [] }, 'no-agent-container'],
])('runs nothing of a script %s', async (_, given, reason) => {
  expect(await faultIn((await intend(TAG, given)).upgrade)).toEqual({ code: 'precondition', reason });
});
