import { AgentError, explain } from '../../src/base/errors.ts';
import { type Finding, withNext } from './finding.ts';

/** The subject of a check, for the finding of its failure. */
export type About = Pick<Finding, 'id' | 'of' | 'url' | 'login'> & {
  /** The details of an error beside its code and message. */
  detail?: (error: unknown) => Partial<Pick<Finding, 'of' | 'next'>>;
};

export type Examination = {
  tell(...findings: readonly Finding[]): void;
  /**
   * Looks, and tells what was found. A look that fails is a finding itself, and hides no other one.
   *
   * @returns what was seen; undefined when the look failed or was stopped
   */
  look<T>(
    about: About,
    see: () => Promise<T>,
    found: (seen: T) => readonly Finding[],
  ): Promise<T | undefined>;
  /** Everything so far, in the order of its discovery. */
  readonly findings: readonly Finding[];
};

/** @param show is shown each finding as soon as it is there, with its next command */
export function createExamination(show: (finding: Finding) => void, stopping: AbortSignal): Examination {
  const findings: Finding[] = [];
  const tell = (...found: readonly Finding[]): void => {
    for (const finding of found.map((one) => withNext(one, findings))) {
      // Two looks may come upon the same fault.
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
