/** The expected facts: each is checked, printed, and counted. */
export type Checks = {
  readonly passed: number;
  readonly failures: readonly string[];
  /** Records one fact, and returns it. */
  check(fact: string, holds: boolean): boolean;
};

export function createChecks(): Checks {
  const failures: string[] = [];
  let passed = 0;
  return {
    get passed() {
      return passed;
    },
    failures,
    check: (fact, holds) => {
      if (holds) passed += 1;
      else failures.push(fact);
      return holds;
    },
  };
}
