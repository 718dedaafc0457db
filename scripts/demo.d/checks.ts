/** What must hold: each fact is looked at, said, and counted. */
export type Checks = {
  readonly passed: number;
  readonly failures: readonly string[];
  /** Notes one fact, and gives it back. */
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
