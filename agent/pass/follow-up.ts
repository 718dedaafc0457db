import { codeOf, explain } from '../../src/base/errors.ts';
import { replaceFile } from '../../src/base/replace-file.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import type { Hands } from '../hands.ts';
import { type Node, readNode } from '../node.ts';
import { unitsOf } from '../plan/units.ts';
import { retireClientTrust } from '../rotation/client-trust.ts';
import {
  FOLLOW_UPS,
  followUpsText,
  type FollowUps,
  readFollowUps,
  type Task,
  type TaskName,
  TASKS,
} from '../rotation/follow-ups.ts';
import { lookAtTokens } from '../rotation/legacy-tokens.ts';
import { throughOwnApi } from '../rotation/workloads-plan.ts';
import { ONCE, type OwnApi, ownApiOf, withOwnApi } from '../rotation/own-api.ts';

/** Wait after an attempt that failed or must wait for another node. */
const LATER_MS = 60_000;

/**
 * Runs the follow-ups of a rotation in the cluster that are possible now. `agent status` reports the others, and a
 * later pass retries them. No other work waits for them.
 *
 * @throws `aborted` when the program must stop
 */
export async function followUp(hands: Hands, abort: AbortSignal): Promise<void> {
  const { clock, log } = hands;
  const node = await readNode(hands);
  const api = ownApiOf(await unitsOf(node, hands, abort), node);
  const tasks: FollowUps = api ? { ...(await readFollowUps(hands)) } : {};
  for (const name of TASKS) {
    const task = tasks[name];
    if (!api || !task || task.due > clock.now()) continue;
    const next = await look(name, task, { node, api }, hands, abort);
    log(next ? 'follow-up-waits' : 'follow-up-done', { task: name, why: next?.why });
    if (next) tasks[name] = next;
    else delete tasks[name];
  }
  if (Object.keys(tasks).length === 0) await hands.disk.remove(FOLLOW_UPS);
  else await replaceFile(hands.disk, FOLLOW_UPS, followUpsText(tasks), { mode: 0o600 });
}

/** Runs one task. @returns the task with the time of its next attempt; undefined when it is done */
async function look(
  name: TaskName,
  task: Task,
  at: { node: Node; api: OwnApi },
  hands: Hands,
  abort: AbortSignal,
): Promise<Task | undefined> {
  const now = hands.clock.now();
  try {
    if (name === 'credentials') return await changeLogin(at, hands, abort);
    return await withOwnApi(at.api, hands, async (ask) =>
      name === 'tokens'
        ? await renewTokens(ask, at, hands, abort)
        : await retireClientTrust(task, ask, at, hands, abort),
    );
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    return { ...task, due: now + LATER_MS, why: explain(error) };
  }
}

async function renewTokens(
  ask: AskApi,
  { node }: { node: Node },
  hands: Hands,
  abort: AbortSignal,
): Promise<Task | undefined> {
  const missing = await lookAtTokens(ask, node, ONCE, hands, abort);
  if (!missing) return undefined;
  // Tokens are signed within seconds, so look again at the next pass.
  return { due: hands.clock.now() + (missing.code === 'waits' ? 1 : LATER_MS), why: missing.why };
}

/** Continues a change of credentials that was not completed in the API. */
async function changeLogin(
  { node }: { node: Node },
  hands: Hands,
  abort: AbortSignal,
): Promise<Task | undefined> {
  const plan = throughOwnApi(await unitsOf(node, hands, abort), node, hands.config);
  const { tryClusterLogin } = await import('../credentials/cluster-login.ts');
  const { createTend } = await import('../execution/free-pods.ts');
  const { isDone, said } = plan
    ? await tryClusterLogin(plan, hands, abort, createTend(hands))
    : { isDone: true, said: [] };
  if (isDone) return undefined;
  return { due: hands.clock.now() + LATER_MS, why: said.map(({ text }) => text).join('; ') };
}
