import type { Progress } from '../../../agent/progress.ts';

/** The notices to a person, each with its code and subject. */
export const noticesIn = (progress: readonly Progress[]): string[] =>
  progress.flatMap((one) => (one.event === 'notice' ? [[one.code, one.of].filter(Boolean).join(' ')] : []));

/** The started steps, in the same form. */
export const stepsIn = (progress: readonly Progress[]): string[] =>
  progress.flatMap((one) =>
    one.event === 'step' ? [[one.step.code, one.step.of].filter(Boolean).join(' ')] : [],
  );
