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
  /** The unit rereads the file by itself, and is restarted only if it does not. */
  rereads: v.boolean(),
  /** The address that accepts or refuses clients. */
  url: v.optional(v.string()),
  /** A client that the list does not revoke. */
  accepted: v.optional(Identity),
  /** A client that it revokes, if this node has its key. */
  refused: v.optional(Identity),
});
/** How to prove that a unit enforces a new revocation list; stored in the journal. */
export const ListPlan = withFormerNames(Shape, { unit: 'unitPlan' });
export type ListPlan = v.InferOutput<typeof ListPlan>;

export type ListHands = {
  clock: Clock;
  askHealth(health: NonNullable<UnitPlan['health']>, abort: AbortSignal): Promise<void>;
  /** Whether the file has been read since it was put in place. */
  hasBeenRead(file: string): Promise<boolean>;
};

/** An observation about a unit and its list; `of` is the client's certificate, or the file. */
export type Seen = Remark<'accepts' | 'refuses' | 'read' | 'unread'>;

/**
 * Proves that a unit enforces a list: it accepts a client that is not revoked and refuses one that is. Also reports
 * whether the file has been read since it was put in place.
 *
 * @throws `proof` if it does not
 */
export async function seeListTaken(plan: ListPlan, hands: ListHands, abort: AbortSignal): Promise<Seen[]> {
  const { file, url, accepted, refused } = plan;
  const { name } = plan.unitPlan;
  const seen: Seen[] = [];
  if (url !== undefined && accepted) {
    await untilLetIn(plan, { url, identity: accepted }, hands, abort);
    const of = accepted.certificate;
    seen.push({ code: 'accepts', of, text: `${name} accepts ${of}, which is not revoked` });
  }
  if (url !== undefined && refused) {
    if (await isLetIn({ url, identity: refused }, hands, abort))
      throw new AgentError(
        'proof',
        `the unit ${name} accepts ${refused.certificate}, which the list in ${file} revokes`,
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
  const what = `with the list in ${file} the unit ${name} rejects a client that is not revoked`;
  const deadline = clock.elapsed() + deadlineMs;
  const late = { code: 'proof', reason: 'valid-refused', what } as const;
  await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    await askHealth(asked, abort);
  });
}

/** A refusal can be a TLS alert, an HTTP status or a closed connection. */
async function isLetIn(asked: Asked, { askHealth }: ListHands, abort: AbortSignal): Promise<boolean> {
  try {
    await askHealth(asked, abort);
    return true;
  } catch (error) {
    if (!isNotReady(error)) throw error;
    return false;
  }
}
