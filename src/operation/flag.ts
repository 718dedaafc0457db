import { type RefuseOperation, refuse } from './refuse.ts';

const FLAGS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  [false, false],
  ['true', true],
  ['yes', true],
  ['false', false],
  ['no', false],
]);

/** Parses a boolean input, also as text; undefined if it is neither. Returns `otherwise` if it is empty. */
export function selectFlag<T>(value: unknown, otherwise: T): boolean | T | undefined {
  if (value === undefined || value === null || value === '') return otherwise;
  return FLAGS.get(typeof value === 'string' ? value.toLowerCase() : value);
}

export const notAFlag = (input: string): RefuseOperation =>
  refuse('input-not-a-flag', `the input ${input} is neither true nor false`);
