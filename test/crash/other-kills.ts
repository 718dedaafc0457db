import { cutPowerAt, type Kill, killAfter, killAt, stopAfter, stopAt } from './kill.ts';
import type { Reference } from './sweep.ts';

/** Kills at any of the points and again at any of the recovery's. */
export const doubleKills =
  (count: number, random: () => number) =>
  ({ points }: Reference): Kill[][] =>
    Array.from({ length: count }, () => {
      const first = 1 + Math.floor(random() * points.length);
      // A recovery has about as many steps left, and some more to clean up.
      const second = 1 + Math.floor(random() * (points.length - first + 100));
      return [killAt(first), killAt(second)];
    });

/** Power failures at any of the points. */
export const powerCuts =
  (count: number, random: () => number) =>
  ({ points }: Reference): Kill[][] =>
    Array.from({ length: count }, () => [
      cutPowerAt(1 + Math.floor(random() * points.length), Math.floor(random() * 2 ** 32)),
    ]);

/** Stops at any of the points. */
export const stopsAtSteps =
  (count: number, random: () => number) =>
  ({ points }: Reference): Kill[][] =>
    Array.from({ length: count }, () => [stopAt(1 + Math.floor(random() * points.length))]);

/** Kills at any time during a run of this length. */
export const killsAtMoments = (count: number, random: () => number, ms: number): Kill[][] =>
  Array.from({ length: count }, () => [killAfter(random() * ms * 1.1)]);

/** Stops at any time during a run of this length. */
export const stopsAtMoments = (count: number, random: () => number, ms: number): Kill[][] =>
  Array.from({ length: count }, () => [stopAfter(random() * ms * 1.1)]);
