import { NEVER } from '../../src/base/clock.ts';
import { AgentError } from '../../src/base/errors.ts';
import { type CredentialsOperation, selectCredentials } from '../../src/operation/credentials.ts';
import { intendToChangeCredentials } from '../credentials/intend.ts';
import { readCaOption, readCredentials } from './credentials-input.ts';
import { dropFormer } from '../credentials/former.ts';
import { operationOfWayBack } from '../credentials/way-back.ts';
import type { Hands } from '../hands.ts';
import { readNode } from '../node.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { carryOutInTurn, turnAsAsked } from './carry-out.ts';
import { detailStep } from '../plan/describe.ts';
import { stepsOf } from '../plan/plan.ts';
import { recover } from '../pass/recover.ts';
import { Changed } from './schemas/parts.ts';
import { createTerminal } from './terminal.ts';
import { outputsAs, writeJson } from './json-answer.ts';
import { type Context, onLockedNode, openHands, textOption, type Verb } from './verb.ts';

/** The run id of this verb's generation in the journal. */
const RUN_ID = 'credentials';

/** Does the work of a `coe-credentials` deployment from the command line. Credentials never come in argv. */
export const verb: Verb = async (context, options) => {
  const hasInput = options['from'] !== undefined || options['openstackCa'] !== undefined;
  const ways = ['where', 'back', 'forget'].filter((name) => options[name] !== undefined);
  if (ways.length + (hasInput ? 1 : 0) !== 1)
    throw new AgentError(
      'usage',
      'exactly one of --from (or --openstack-ca), --where, --back and --forget is needed',
    );
  if (options['where'] === true) {
    const { showWhere } = await import('./credentials-where.ts');
    return await showWhere(context);
  }
  if (options['forget'] === true) return await forget(context);
  const isDry = options['dryRun'] === true;
  if (options['back'] === true)
    return isDry ? await tell(goBack, context) : await change(goBack, context, options);
  const from = textOption(options, 'from');
  const input: Record<string, string | undefined> = {
    ...(from !== undefined && (await readCredentials(from, context))),
    ...(await readCaOption(options)),
  };
  context.secrets.add(input['trustee_password']);
  const operation = selectCredentials(input);
  if (operation.kind === 'refuse')
    throw new AgentError('usage', `${from === undefined ? '--openstack-ca' : '--from'}: ${operation.why}`, {
      reason: operation.reason,
    });
  const ask = async (): Promise<CredentialsOperation> => await Promise.resolve(operation);
  return isDry ? await tell(ask, context) : await change(ask, context, options);
};

/** Determines the requested change, using the node's present credentials. */
type Ask = (hands: Hands) => Promise<CredentialsOperation>;

const goBack: Ask = async (hands) => await operationOfWayBack(await readNode(hands), hands);

async function change(ask: Ask, context: Context, options: Record<string, unknown>): Promise<ExitCode> {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  const progress = context.json ? () => undefined : terminal.progress;
  return await onLockedNode(context, RUN_ID, progress, async (all, stopping) => {
    const hands = turnAsAsked(all, options);
    // Finish an interrupted run first: its files may be old or new.
    await recover(hands, stopping);
    const intention = await intendToChangeCredentials(await ask(hands), hands, stopping);
    const { why } = intention;
    if (intention.kind === 'nothing') {
      const { reason } = intention;
      if (context.json) writeJson(context, 'credentials', { changed: false, reason, why, files: [] });
      else terminal.line(why);
      return EXIT.done;
    }
    const outcome = await carryOutInTurn(intention.plan, { runId: RUN_ID, hands, abort: stopping });
    if (context.json)
      writeJson(context, 'credentials', { changed: true, why, ...outputsAs(Changed, outcome) });
    else terminal.line(outcome.stdout.trimEnd());
    return EXIT.done;
  });
}

/** Shows the plan and changes nothing. */
async function tell(ask: Ask, context: Context): Promise<typeof EXIT.done> {
  const hands = await openHands(context, () => undefined);
  try {
    const intention = await intendToChangeCredentials(await ask(hands), hands, NEVER);
    const { why } = intention;
    const steps = intention.kind === 'change' ? stepsOf(intention.plan) : [];
    const told = steps.map(detailStep);
    const { line, paint } = createTerminal(context.world.stdout, context.secrets);
    if (context.json)
      writeJson(context, 'credentials', {
        changed: false,
        ...(intention.kind === 'nothing' && { reason: intention.reason }),
        why,
        files: [],
        steps: told,
      });
    else {
      line(why);
      for (const [index, { text, details }] of told.entries()) {
        line(`  ${index + 1}. ${text}`);
        for (const detail of details) line(paint('dim', `       ${detail}`));
      }
    }
    return EXIT.done;
  } finally {
    hands.close();
  }
}

/** Deletes the former login. After that, it cannot be restored. */
async function forget(context: Context): Promise<ExitCode> {
  const { line } = createTerminal(context.world.stdout, context.secrets);
  return await onLockedNode(
    context,
    RUN_ID,
    () => undefined,
    async (hands, stopping) => {
      await recover(hands, stopping);
      const isDropped = await dropFormer(hands);
      const why = isDropped ? 'the former credentials are dropped' : 'no former credentials are kept';
      if (context.json)
        writeJson(context, 'credentials', {
          changed: isDropped,
          ...(!isDropped && { reason: 'no-former' }),
          why,
          files: [],
        });
      else line(why);
      return EXIT.done;
    },
  );
}
