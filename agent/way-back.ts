import { AgentError, explain } from '../src/base/errors.ts';
import { fingerprint, oneCertificate } from '../src/certificates/read.ts';
import { restartAndProve } from '../src/services/restart.ts';
import type { UnitPlan } from '../src/services/unit.ts';
import type { Hands } from './hands.ts';

/**
 * Undoes what a failed run has done, as far as it came: staged files go, replaced ones come back, and what
 * was restarted is restarted again and proven with the old certificates.
 *
 * @returns the error to report: the cause, and what became of the node
 */
export async function wayBack(
  cause: unknown,
  restarted: readonly UnitPlan[],
  hands: Hands,
  signal: AbortSignal,
): Promise<unknown> {
  const journal = await hands.generations.current();
  if (!journal) return cause;
  if (journal.state === 'staging') {
    await hands.generations.close(journal);
    return cause;
  }
  const code = cause instanceof AgentError ? cause.code : 'unit';
  try {
    await timed(hands, 'bring the old files back', async () => await hands.generations.revert(journal));
  } catch (error) {
    const why = `${explain(cause)}; the old files could not be brought back: ${explain(error)}; they are kept`;
    return new AgentError(code, why, { cause: error });
  }
  const refusing: string[] = [];
  for (const unit of restarted)
    try {
      await timed(hands, `restart ${unit.unit} with the old files`, async () => {
        await restart(unit, hands, signal);
      });
    } catch (error) {
      refusing.push(explain(error));
    }
  await hands.generations.close(journal);
  const result =
    refusing.length === 0
      ? 'the old certificates are back and served'
      : `the old files are back, but ${refusing.join('; ')}`;
  return new AgentError(code, `${explain(cause)}; ${result}`, { cause });
}

/** Restarts one unit of a generation and tells what came of it. */
export async function restart(unit: UnitPlan, hands: Hands, signal: AbortSignal): Promise<void> {
  const { result } = await restartAndProve(
    unit,
    {
      systemctl: await hands.systemctl(),
      clock: hands.clock,
      presented: hands.presented,
      expected: async (file) =>
        fingerprint(oneCertificate((await hands.disk.read(file)).toString('utf8'), file)),
      fingerprint,
    },
    signal,
  );
  if (result === 'absent')
    hands.progress({ event: 'notice', text: `this node has no unit ${unit.unit}: skipped` });
}

/** Runs one step and tells when it began, how long it took or why it failed. */
export async function timed<T>(hands: Hands, text: string, work: () => Promise<T>): Promise<T> {
  const start = hands.clock.elapsed();
  hands.progress({ event: 'step', text });
  try {
    const result = await work();
    hands.progress({ event: 'done', text, ms: hands.clock.elapsed() - start });
    return result;
  } catch (error) {
    hands.progress({ event: 'failed', text, why: explain(error) });
    throw error;
  }
}
