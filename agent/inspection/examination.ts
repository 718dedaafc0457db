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
    for (const finding of found.map((one) => withNext(one, findings))) {
      // Two checks may find the same fault.
      if (
        findings.some(({ id, of, what }) => id === finding.id && of === finding.of && what === finding.what)
      )
        continue;
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

function failureOf(about: Omit<About, 'detail'>, error: unknown): Finding {
  const reason = error instanceof AgentError ? (error.reason ?? error.code) : undefined;
  return { ...about, verdict: 'bad', ...(reason !== undefined && { reason }), what: explain(error) };
}
