import { AgentError } from '../../src/base/errors.ts';
import { readOrders, readRotation, writeOrders } from '../phases/record.ts';
import { mayGoByItself } from '../config.ts';
import type { Hands } from '../hands.ts';
import { readNode } from '../node.ts';
import { EXIT } from './exit-code.ts';
import { writeJson } from './json-answer.ts';
import { createTerminal } from './terminal.ts';
import { audited, openHands, textOption, type Verb } from './verb.ts';

const HOUR = 3_600_000;
/** A hold always expires. */
const LONGEST_HOLD_HOURS = 168;

/**
 * Records an operator's order about an automatic rotation. The daemon reads it at its next look, so no lock is needed.
 */
export const verb: Verb = async (context, options) => {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  const hands = await openHands(context, () => undefined);
  try {
    return await audited('rotation', hands, async () => {
      const [action = ''] = context.words;
      const { course } = await readRotation(hands);
      if (action === 'finish') {
        if (options['now'] !== true)
          throw new AgentError(
            'usage',
            'rotation finish: --now is missing; it cuts off nodes that are behind',
          );
        if (!course)
          throw new AgentError('precondition', 'rotation finish: no rotation is under way on this node');
        await writeOrders({ version: 1, finish: course.cas }, hands);
      } else if (action === 'hold') {
        await requireOwnPhases(hands);
        await writeOrders({ version: 1, heldUntil: hands.clock.now() + hoursOf(options) * HOUR }, hands);
      } else await writeOrders({ version: 1 }, hands);
      const { finish, heldUntil } = await readOrders(hands);
      const until = heldUntil === undefined ? undefined : new Date(heldUntil).toISOString();
      if (context.json) writeJson(context, 'rotation', { finishes: finish !== undefined, heldUntil: until });
      else if (until !== undefined) terminal.line(`this node starts no further phase until ${until}`);
      else if (finish === undefined)
        terminal.line('this node starts the next phase when its peers are ready');
      else terminal.line('this node starts the next phase immediately, which cuts off peers that are behind');
      return EXIT.done;
    });
  } finally {
    hands.close();
  }
};

/**
 * Checks that a hold can have an effect on this machine.
 *
 * @throws `bad-heat-params` if it is no node of a cluster; `precondition` if no phase follows another by itself
 */
async function requireOwnPhases(hands: Hands): Promise<void> {
  await readNode(hands);
  if (mayGoByItself(hands.config)) return;
  throw new AgentError(
    'precondition',
    `rotation hold: rotation.phase is ${hands.config.rotation.phase}, so this node takes no phase by itself`,
    { reason: 'phase-named' },
  );
}

/** Reads the hours of a hold. @throws `usage` */
function hoursOf(options: Record<string, unknown>): number {
  const text = textOption(options, 'for') ?? '8h';
  const hours = Number(/^(\d{1,3})h$/.exec(text)?.[1] ?? 0);
  if (hours < 1 || hours > LONGEST_HOLD_HOURS)
    throw new AgentError(
      'usage',
      `--for: ${text} is not a number of hours from 1h to ${LONGEST_HOLD_HOURS}h`,
    );
  return hours;
}
