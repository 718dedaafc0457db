import type { Clock } from '../src/base/clock.ts';
import { explain, sentenceOf } from '../src/base/errors.ts';
import type { Remark } from '../src/base/remark.ts';
import type { PassOver } from '../src/files/candidates.ts';

/** A step as shown: of a plan, of a migration, or outside of both. */
export type ShownStep = Remark<StepCode>;

export type StepCode =
  | 'log-in'
  | 'check'
  | 'compare'
  | 'read-cas'
  | 'await-reboot'
  | 'issue'
  | 'stage'
  | 'stage-files'
  | 'ask-cluster'
  | 'see-cloud'
  | 'stage-credentials'
  | 'replace'
  | 'stop'
  | 'restart'
  | 'prove-list'
  | 'restart-workloads'
  | 'change-objects'
  | 'see-stability'
  | 'put-back'
  | 'restart-old'
  | 'run'
  | 'take-up'
  | 'signal'
  | 'let-finish'
  | 'take-over-ids'
  | 'take-over-queue'
  | 'write-config'
  | 'disable-now'
  | 'enable-and-start'
  | 'hand-back-ids'
  | 'remove-config'
  | 'leave'
  | 'tell'
  | 'mind';

/** A warning; it makes nothing fail. */
export type Notice = Remark<
  | 'account-unknown'
  | 'address-kept'
  | 'address-unknown'
  | 'credential-unseen'
  | 'cluster-login'
  | 'credentials-left'
  | 'credentials-read-by-others'
  | 'deployment-unanswered'
  | 'file-skipped'
  | 'list-outlived'
  | 'list-unread'
  | 'list-unreadable'
  | 'preflight'
  | 'reader-unknown'
  | 'signing-key-outlived'
  | 'unit-left-alone'
  | 'unit-started-again'
  | 'workloads'
>;

/** Progress events for a person who is watching. */
export type Progress =
  | { event: 'deployment'; id: string; text: string; asks?: 'rotation' | undefined }
  | { event: 'step'; step: ShownStep }
  /** One of `of` parts of this kind. */
  | { event: 'part'; part: 'ca' | 'key' | 'certificate'; name: string; of: number }
  /** An operation is being retried; `givesUpInMs` may be Infinity. */
  | { event: 'waiting'; what: string; why: string; retryInMs: number; givesUpInMs: number }
  | { event: 'output'; id: string; stream: 'stdout' | 'stderr'; text: string }
  | { event: 'done'; step: ShownStep; ms: number }
  /** `isTold`: the report at the end of the run repeats `why`. */
  | { event: 'failed'; step: ShownStep; why: string; isTold: boolean }
  | { event: 'skipped'; step: ShownStep; why: string }
  | ({ event: 'notice' } & Notice);

export type Watched = { clock: Clock; progress(event: Progress): void };

/**
 * Runs one step and reports its start, its duration or its failure.
 *
 * @param whySkipped returns from a result why there was nothing to do; undefined when the step was done
 */
export async function timed<T>(
  { clock, progress }: Watched,
  step: ShownStep,
  work: () => Promise<T>,
  whySkipped: (result: T) => string | undefined = () => undefined,
): Promise<T> {
  const start = clock.elapsed();
  progress({ event: 'step', step });
  try {
    const result = await work();
    const why = whySkipped(result);
    progress(
      why === undefined
        ? { event: 'done', step, ms: clock.elapsed() - start }
        : { event: 'skipped', step, why },
    );
    return result;
  } catch (error) {
    progress({ event: 'failed', step, why: sentenceOf(error), isTold: true });
    throw error;
  }
}

/** Reports a file that cannot be read. */
export const passingOver =
  ({ progress }: Pick<Watched, 'progress'>): PassOver =>
  (path, error) => {
    const text = `skipping ${path}: ${explain(error)}`;
    progress({ event: 'notice', code: 'file-skipped', of: path, text });
  };
