import type { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { explain } from '../src/base/errors.ts';
import { appendLine } from '../src/base/rolling-file.ts';
import { subjectOf } from '../src/certificates/read.ts';
import type { Outcome } from '../src/deployment/deployment.ts';
import type { Journal } from '../src/files/journal.ts';
import { askerOf } from './audit/askers.ts';
import { changesOf, markOf } from './audit/changes.ts';
import type { Hands } from './hands.ts';
import { LOGS } from './paths.ts';

const PATH = join(LOGS, 'audit.jsonl');
const BOUNDS = { most: 1024 * 1024, kept: 4 };

/** Limit for the reason, in characters. The ledger and the log hold the full text. */
const LONGEST_WHY = 2000;

/** Records the start of a deployment, of a verb that a person called, or of the daemon's own work. */
export async function auditBegin(runId: string, hands: Hands): Promise<void> {
  await record('begun', runId, {}, hands);
}

/**
 * Records the outcome and the changes. A run that was killed just before its end may be recorded twice. A verb has
 * `changed` for its files, and records its own `ended`.
 *
 * @param generation the replaced files, with their kept copies
 */
export async function auditEnd(
  runId: string,
  outcome: Pick<Outcome, 'is' | 'stderr'>,
  generation: Journal | undefined,
  hands: Hands,
): Promise<void> {
  const event = generation && askerOf(runId, hands) === 'verb' ? 'changed' : 'ended';
  const hasFailed = outcome.is === 'failed';
  const why = outcome.stderr.trim().slice(0, LONGEST_WHY);
  await record(
    event,
    runId,
    {
      outcome: outcome.is,
      ...(hasFailed && why !== '' && { why }),
      ...(generation && { changes: await changesOf(generation, hands) }),
    },
    hands,
  );
}

/** Records a client certificate that was issued to a person. @param path the file of the certificate */
export async function auditIssued(
  { path, certificate }: { path: string; certificate: X509Certificate },
  hands: Hands,
): Promise<void> {
  const after = [{ ...markOf(certificate), subject: subjectOf(certificate) }];
  await record('issued', hands.asker.verb, { changes: [{ path, before: null, after }] }, hands);
}

/** Logs an error if the audit cannot be written: a node that needs a rescue may have a full disk. */
async function record(
  event: 'begun' | 'changed' | 'ended' | 'issued',
  runId: string,
  fields: Record<string, unknown>,
  { disk, clock, secrets, ledger, asker, log }: Hands,
): Promise<void> {
  const entry = ledger.find(runId);
  const line = {
    at: new Date(clock.now()).toISOString(),
    event,
    run: runId,
    asked_by: askerOf(runId, { ledger }),
    ...(entry && {
      deployment: { id: runId, group: entry.group, action: entry.action, resource: entry.resource },
    }),
    // The daemon can finish an interrupted verb too.
    by: { verb: asker.verb, pid: asker.pid, login_uid: asker.loginUid ?? null },
    ...fields,
  };
  try {
    await appendLine(disk, PATH, JSON.stringify(secrets.redactWithin(line)), BOUNDS);
  } catch (error) {
    log('audit-unwritten', { run: runId, why: explain(error) });
  }
}
