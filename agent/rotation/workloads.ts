import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { pollUntil } from '../../src/base/poll.ts';
import { certificatesIn, fingerprint } from '../../src/certificates/read.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import { createKubernetes } from '../../src/services/kubernetes.ts';
import type { RollOutHands } from '../../src/services/roll-out.ts';
import { restartWorkloads, type Rolled, type WorkloadsPlan } from '../../src/services/workloads.ts';
import type { Hands } from '../hands.ts';
import { readNode } from '../node.ts';
import { replaceCertificateMounts } from './certificate-mounts.ts';
import { lookAtTokens } from './legacy-tokens.ts';
import { noteCause } from './hanging-pods.ts';
import { withOwnApi } from './own-api.ts';

/** Removes obstacles of this node while pods are replaced. */
export type Tend = NonNullable<RollOutHands['tend']>;
type Telling = Pick<RollOutHands, 'notice' | 'tend'>;

const CALL = { baseMs: 500, capMs: 15_000 };
const AGAIN_MS = 1000;

/**
 * Restarts the cluster's workloads through this node's API server. A failure is only reported: the node has its
 * certificates, and a failed deployment would make Heat roll back other nodes.
 *
 * @param tend called while the new pods are awaited
 * @throws `aborted` when the program must stop; the next start resumes
 */
export async function restartClusterWorkloads(
  plan: WorkloadsPlan,
  hands: Hands,
  abort: AbortSignal,
  tend?: Tend,
): Promise<{ isDone: boolean; said: Rolled[] }> {
  const notice = (text: string): void => {
    hands.progress({ event: 'notice', code: 'workloads', text });
  };
  const telling = { notice, tend };
  await noteCause(hands);
  try {
    return { isDone: true, said: await throughApi(plan, telling, hands, abort) };
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    const why = `some workloads have not been restarted: ${explain(error)}`;
    notice(why);
    return { isDone: false, said: [{ code: 'failed', text: why }] };
  }
}

const fingerprints = (pem: string): string[] => certificatesIn(pem, 'a CA').map(fingerprint);

const throughApi = async (
  plan: WorkloadsPlan,
  telling: Telling,
  hands: Hands,
  abort: AbortSignal,
): Promise<Rolled[]> =>
  await withOwnApi(plan, hands, async (ask, trusted) => {
    const { clock, retry } = hands;
    if (plan.mountsAlone === true) return await replaceCertificateMounts(plan, ask, telling, hands, abort);
    await untilPodsGetTokens(ask, hands, abort);
    const kubernetes = createKubernetes(ask, retry, { ...CALL, forMs: plan.deadlineMs });
    const said = await restartWorkloads(
      plan,
      trusted,
      { clock, kubernetes, fingerprints, ...telling },
      abort,
    );
    if (said.some(({ code }) => code === 'replaced')) return said;
    return [...said, ...(await replaceCertificateMounts(plan, ask, telling, hands, abort))];
  });

/** How long to wait for the token controller. A follow-up checks again after the rotation. */
const TOKENS_MS = 30_000;

/**
 * Waits until pods get new tokens. Pods replaced earlier would mount a legacy token of the former key again, and need
 * that key.
 */
async function untilPodsGetTokens(ask: AskApi, hands: Hands, abort: AbortSignal): Promise<void> {
  const { clock } = hands;
  const late = { code: 'not-yet', what: 'new pods still get legacy tokens of the former key' } as const;
  const poll = { clock, everyMs: AGAIN_MS, deadline: clock.elapsed() + TOKENS_MS, late };
  try {
    const node = await readNode(hands);
    await pollUntil(poll, abort, async () => {
      const missing = await lookAtTokens(ask, node, { ...CALL, forMs: TOKENS_MS }, hands, abort);
      if (missing?.code === 'waits') throw new AgentError('not-yet', missing.why);
    });
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    hands.log('follow-up-waits', { task: 'tokens', why: explain(error) });
  }
}
