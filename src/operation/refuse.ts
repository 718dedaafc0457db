/** Answered as failed: the request cannot be understood. */
export type RefuseOperation = {
  kind: 'refuse';
  /** Why, in a word that stays. */
  reason: string;
  /** Why, as a person reads it. */
  why: string;
};

export const refuse = (reason: string, why: string): RefuseOperation => ({ kind: 'refuse', reason, why });
