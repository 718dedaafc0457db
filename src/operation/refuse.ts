/** Answered as failed: the request is invalid. */
export type RefuseOperation = {
  kind: 'refuse';
  /** The stable reason. */
  reason: string;
  /** The reason as a sentence. */
  why: string;
};

export const refuse = (reason: string, why: string): RefuseOperation => ({ kind: 'refuse', reason, why });
