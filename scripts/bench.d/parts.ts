import type { StepCode } from '../../agent/progress.ts';
import type { LogLine } from '../lib/agent-process.ts';

export const PARTS = ['login', 'check', 'keys', 'signing', 'files', 'restart', 'signal'] as const;

/** The parts of a rotation's time, in milliseconds; signing is the part after the last key. */
export type Parts = Record<(typeof PARTS)[number], number>;

/** The part to which a step of the agent's log belongs. */
const PART_OF: Partial<Record<StepCode, keyof Parts>> = {
  'log-in': 'login',
  check: 'check',
  stage: 'files',
  replace: 'files',
  stop: 'restart',
  restart: 'restart',
  signal: 'signal',
};

/** Reads a rotation's parts from the agent's own log. */
export function partsOf(lines: readonly LogLine[]): Parts {
  const parts: Parts = { login: 0, check: 0, keys: 0, signing: 0, files: 0, restart: 0, signal: 0 };
  const times = new Map<string, keyof Parts>(Object.entries(PART_OF));
  for (const { at, fields } of lines.filter(({ event }) => event === 'step-done')) {
    const step = String(fields['step']);
    const ms = Number(fields['ms']);
    const part = times.get(step);
    if (part) parts[part] += ms;
    else if (step === 'issue') {
      const began = at - ms;
      const keys = lines.filter((line) => line.event === 'part-done' && line.fields['part'] === 'key');
      const lastKey = Math.max(began, ...keys.map((line) => line.at));
      parts.keys += lastKey - began;
      parts.signing += at - lastKey;
    } else throw new Error(`the agent logs a step that this benchmark does not know: ${step}`);
  }
  return parts;
}
