import { readIfThere } from '../src/base/disk.ts';
import { AgentError, explain } from '../src/base/errors.ts';
import { certificatesIn, fingerprint, oneCertificate } from '../src/certificates/read.ts';
import type { Journal } from '../src/files/journal.ts';
import { lasts, restartAndProve, type ServiceHands } from '../src/services/restart.ts';
import type { UnitPlan } from '../src/services/unit.ts';
import type { Hands } from './hands.ts';
import { failed } from './outcome.ts';
import type { Rest } from './rest.ts';

/** From the first replaced file on a run is finished, one way or the other, even when the program is to stop. */
const NEVER = new AbortController().signal;

/**
 * Undoes what a failed run has done, as far as it came: staged files go, replaced ones come back, and what
 * was restarted is restarted again and proven with the old certificates.
 *
 * @param journal of the run that failed; undefined when it has not begun to stage anything
 * @returns the error to report: the cause, and what became of the node
 */
export async function wayBack(
  cause: unknown,
  journal: Journal | undefined,
  restarted: readonly UnitPlan[],
  hands: Hands,
): Promise<unknown> {
  const { generations } = hands;
  if (!journal) return cause;
  if (journal.state === 'staging') {
    await generations.clear();
    return cause;
  }
  const report = (why: string): AgentError =>
    new AgentError(cause instanceof AgentError ? cause.code : 'unit', `${explain(cause)}; ${why}`, { cause });

  let reverted: Journal;
  try {
    await refuseExpired(journal, hands);
    reverted = await timed(hands, 'bring the old files back', async () => await generations.revert(journal));
  } catch (error) {
    const stuck = report(
      `the old files could not be brought back: ${explain(error)}; both generations are kept: mend that, then run "agent rollback"`,
    );
    await generations.stick(journal, { units: [...restarted], outcome: failed(stuck) } satisfies Rest);
    return stuck;
  }
  const refusing: string[] = [];
  for (const unit of restarted)
    try {
      await timed(hands, `restart ${unit.unit} with the old files`, async () => {
        await restart(unit, hands);
      });
    } catch (error) {
      refusing.push(explain(error));
    }
  const result = report(
    refusing.length === 0
      ? 'the old certificates are back and served'
      : `the old files are back, but ${refusing.join('; ')}`,
  );
  await generations.end(reverted, { units: [...restarted], outcome: failed(result) } satisfies Rest);
  return result;
}

/** There is no way back to a CA that nobody would accept any more. */
async function refuseExpired({ files }: Journal, { disk, clock }: Hands): Promise<void> {
  for (const { target, previous } of files) {
    const pem = previous && (await disk.read(previous.copy)).toString('utf8');
    if (!pem?.includes('CERTIFICATE') || !pem.startsWith('-----BEGIN')) continue;
    const expired = certificatesIn(pem, target).find(
      (one) => one.ca && one.validToDate.getTime() < clock.now(),
    );
    if (expired)
      throw new AgentError(
        'precondition',
        `the old CA in ${target} expired on ${expired.validToDate.toISOString()}`,
      );
  }
}

/**
 * Restarts one unit of a generation, proves it, and tells what came of it.
 *
 * @throws `unit` or `proof`, with the last lines of the unit's own journal
 */
export async function restart(unit: UnitPlan, hands: Hands): Promise<void> {
  await explained(unit, hands, async (services) => {
    const { result } = await restartAndProve(unit, services, NEVER);
    if (result === 'absent')
      hands.progress({ event: 'notice', text: `this node has no unit ${unit.unit}: skipped` });
  });
}

/**
 * Sees to it that a unit which has been restarted is there yet.
 *
 * @throws `unit`, with the last lines of the unit's own journal
 */
export async function lookAgain(unit: UnitPlan, hands: Hands): Promise<void> {
  await explained(unit, hands, async (services) => {
    await lasts(unit, services, NEVER);
  });
}

async function explained(
  unit: UnitPlan,
  hands: Hands,
  work: (services: ServiceHands) => Promise<void>,
): Promise<void> {
  try {
    await work(await servicesOf(hands));
  } catch (error) {
    await learnKeys(hands);
    const lines = await hands.journalOf(unit.unit, LAST_LINES);
    if (!(error instanceof AgentError) || lines.length === 0) throw error;
    const journal = ['', `the last lines of the journal of ${unit.unit}:`, ...lines].join('\n  ');
    throw new AgentError(error.code, `${explain(error)}${journal}\n`, { cause: error });
  }
}

async function servicesOf(hands: Hands): Promise<ServiceHands> {
  const text = async (path: string): Promise<string> => (await hands.disk.read(path)).toString('utf8');
  return {
    systemctl: await hands.systemctl(),
    clock: hands.clock,
    presented: hands.presented,
    askHealth: async ({ url, identity }, signal) => {
      const client = identity && {
        certificate: await text(identity.certificate),
        key: await text(identity.key),
      };
      await hands.askHealth(url, client, signal);
    },
    expected: async (file) => fingerprint(oneCertificate(await text(file), file)),
    fingerprint,
  };
}

const LAST_LINES = 15;

/** A unit may print whatever it reads: the keys of both generations are made known as secrets. */
async function learnKeys({ generations, disk, secrets }: Hands): Promise<void> {
  const journal = await generations.current().catch(() => undefined);
  for (const { target, previous } of journal?.files ?? [])
    for (const path of [target, ...(previous ? [previous.copy] : [])]) {
      const text = (await readIfThere(disk, path))?.toString('utf8');
      if (text?.includes('PRIVATE KEY')) secrets.add(text);
    }
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
