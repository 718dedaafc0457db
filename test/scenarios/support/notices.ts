import type { Progress } from '../../../agent/progress.ts';

/** What a person who watches has been told, each as its code and what it is about. */
export const noticesIn = (progress: readonly Progress[]): string[] =>
  progress.flatMap((one) => (one.event === 'notice' ? [[one.code, one.of].filter(Boolean).join(' ')] : []));

/** The steps that were begun, in the same way. */
export const stepsIn = (progress: readonly Progress[]): string[] =>
  progress.flatMap((one) =>
    one.event === 'step' ? [[one.step.code, one.step.of].filter(Boolean).join(' ')] : [],
  );
