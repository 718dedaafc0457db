import * as v from 'valibot';
import type { Clock } from '../base/clock.ts';
import { AgentError, isNotReady } from '../base/errors.ts';
import { withFormerNames } from '../base/record.ts';
import { pollUntil } from '../base/poll.ts';
import type { Remark } from '../base/remark.ts';
import { AGAIN_MS } from './active.ts';
import { Identity, UnitPlan } from './unit.ts';

const Shape = v.object({
  unitPlan: UnitPlan,
  file: v.string(),
  /** The unit reads the file by itself, and is restarted only when it does not. */
  rereads: v.boolean(),
  /** Where a client is let in or not. */
  url: v.optional(v.string()),
  /** A client that the list does not revoke. */
  accepted: v.optional(Identity),
  /** One that it does, where this node happens to have its key. */
  refused: v.optional(Identity),
});
/** How it is seen that a unit goes by a new list of revoked certificates; it is kept in the journal. */
export const ListPlan = withFormerNames(Shape, { unit: 'unitPlan' });
export type ListPlan = v.InferOutput<typeof ListPlan>;

export type ListHands = {
  clock: Clock;
  askHealth(health: NonNullable<UnitPlan['health']>, abort: AbortSignal): Promise<void>;
  /** Whether anybody has read the file since it was put there. */
  hasBeenRead(file: string): Promise<boolean>;
};

/** What has been seen of a unit and its list; `of` is the certificate of the client, or the file. */
export type Seen = Remark<'accepts' | 'refuses' | 'read' | 'unread'>;

/**
 * Sees a unit go by a list: whom it does not revoke is let in, whom it revokes is not, and the file has been read since
 * it was put in place.
 *
 * @throws `proof` when it is otherwise
 */
export async function seeListTaken(plan: ListPlan, hands: ListHands, abort: AbortSignal): Promise<Seen[]> {
  const { file, url, accepted, refused } = plan;
  const { name } = plan.unitPlan;
  const seen: Seen[] = [];
  if (url !== undefined && accepted) {
    await untilLetIn(plan, { url, identity: accepted }, hands, abort);
    const of = accepted.certificate;
    seen.push({ code: 'accepts', of, text: `${name} lets ${of} in, which is not revoked` });
  }
  if (url !== undefined && refused) {
    if (await isLetIn({ url, identity: refused }, hands, abort))
      throw new AgentError(
        'proof',
        `the unit ${name} lets ${refused.certificate} in, which the list in ${file} revokes`,
        { reason: 'revoked-accepted' },
      );
    const of = refused.certificate;
    seen.push({ code: 'refuses', of, text: `${name} refuses ${of}, which is revoked` });
  }
  if (await hands.hasBeenRead(file))
    seen.push({ code: 'read', of: file, text: `${file} has been read since it was put in place` });
  return seen;
}

type Asked = NonNullable<UnitPlan['health']>;

async function untilLetIn(
  { file, unitPlan: { name, deadlineMs } }: ListPlan,
  asked: Asked,
  { askHealth, clock }: ListHands,
  abort: AbortSignal,
): Promise<void> {
  const what = `with the list in ${file} the unit ${name} does not let in who is not revoked`;
  const deadline = clock.elapsed() + deadlineMs;
  const late = { code: 'proof', reason: 'valid-refused', what } as const;
  await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    await askHealth(asked, abort);
  });
}

/** Whoever is refused is told so by TLS, by HTTP or not at all. */
async function isLetIn(asked: Asked, { askHealth }: ListHands, abort: AbortSignal): Promise<boolean> {
  try {
    await askHealth(asked, abort);
    return true;
  } catch (error) {
    if (!isNotReady(error)) throw error;
    return false;
  }
}
