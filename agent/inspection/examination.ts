import { AgentError, explain } from '../../src/base/errors.ts';
import { type Finding, withNext } from './finding.ts';

/** The subject of a check, for the finding when it fails. */
export type About = Pick<Finding, 'id' | 'of' | 'url' | 'login'> & {
  /** Returns more details of an error than its code and message. */
  detail?: (error: unknown) => Partial<Pick<Finding, 'of' | 'next'>>;
};

export type Examination = {
  tell(...findings: readonly Finding[]): void;
  /**
   * Runs a check and reports its findings. A check that throws becomes a finding itself and does not affect the others.
   *
   * @returns the result; undefined if the check failed or was stopped
   */
  look<T>(
    about: About,
    see: () => Promise<T>,
    found: (seen: T) => readonly Finding[],
  ): Promise<T | undefined>;
  /** All findings so far, in order. */
  readonly findings: readonly Finding[];
};

/** Creates an examination. @param show receives each finding immediately, with its next command */
export function createExamination(show: (finding: Finding) => void, stopping: AbortSignal): Examination {
  const findings: Finding[] = [];
  const tell = (...found: readonly Finding[]): void => {
    // Two checks may find the same fault. One check finds no fault twice.
    const known = [...findings];
    for (const finding of found.map((one) => withNext(one, findings))) {
      if (known.some((one) => isSame(one, finding))) continue;
      findings.push(finding);
      show(finding);
    }
  };
  return {
    findings,
    tell,
    look: async ({ detail, ...about }, see, found) => {
      if (stopping.aborted) return undefined;
      try {
        const seen = await see();
        tell(...found(seen).map((finding) => ({ ...about, ...finding })));
        return seen;
      } catch (error) {
        if (stopping.aborted) return undefined;
        tell({ ...failureOf(about, error), ...detail?.(error) });
        return undefined;
      }
    },
  };
}

const isSame = (a: Finding, b: Finding): boolean =>
  a.id === b.id && a.of === b.of && a.verdict === b.verdict && a.reason === b.reason;

function failureOf(about: Omit<About, 'detail'>, error: unknown): Finding {
  const reason = error instanceof AgentError ? (error.reason ?? error.code) : undefined;
  return { ...about, verdict: 'bad', ...(reason !== undefined && { reason }), what: explain(error) };
}
