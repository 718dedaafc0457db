import { readFile } from 'node:fs/promises';
import { AgentError } from '../../src/base/errors.ts';
import { EXIT } from './exit-code.ts';
import { carryOutInTurn, turnAsAsked } from './carry-out.ts';
import { recover } from '../pass/recover.ts';
import { intendToRevoke } from '../revocation/revoke.ts';
import { Changed } from './schemas/parts.ts';
import { createTerminal } from './terminal.ts';
import { outputsAs, writeJson } from './json-answer.ts';
import { onLockedNode, textOption, type Verb } from './verb.ts';

/** The run id of this verb's generation in the journal. */
const RUN_ID = 'revoke';

/** Does the work of a `coe-revoke` deployment from the command line. */
export const verb: Verb = async (context, options) => {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  const progress = context.json ? () => undefined : terminal.progress;
  const path = textOption(options, 'crl') ?? '';
  const list = await readList(path);
  return await onLockedNode(context, RUN_ID, progress, async (all, stopping) => {
    const hands = turnAsAsked(all, options);
    await recover(hands, stopping);
    const operation = {
      kind: 'revoke' as const,
      source: `the file ${path}`,
      list,
      allowOwn: options['allowOwn'] === true,
      prepare: options['prepare'] === true,
      restart: options['restart'] === true,
    };
    const intention = await intendToRevoke(operation, hands, stopping);
    const { why } = intention;
    if (intention.kind === 'nothing') {
      const { reason } = intention;
      if (context.json) writeJson(context, 'revoke', { changed: false, reason, why, files: [] });
      else terminal.line(why);
      return EXIT.done;
    }
    const outcome = await carryOutInTurn(intention.plan, { runId: RUN_ID, hands, abort: stopping });
    if (context.json) writeJson(context, 'revoke', { changed: true, why, ...outputsAs(Changed, outcome) });
    else terminal.line(outcome.stdout.trimEnd());
    return EXIT.done;
  });
};

/** Reads a file of the caller, not of the node below `--root`. */
async function readList(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AgentError('usage', `--crl: ${path} cannot be read`, { cause });
  }
}
