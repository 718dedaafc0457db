import type { LogLine } from '../lib/agent-process.ts';

export const PARTS = ['login', 'check', 'keys', 'signing', 'files', 'restart', 'signal'] as const;

/** Where the time of a rotation went, in milliseconds; signing is what was left of it after the last key. */
export type Parts = Record<(typeof PARTS)[number], number>;

/** Which part a step of the plan is, by the words that the agent describes it with. */
const STEPS: readonly [RegExp, keyof Parts][] = [
  [/^log in /, 'login'],
  [/^check /, 'check'],
  [/^(stage|put) the new files/, 'files'],
  [/^restart /, 'restart'],
  [/^signal /, 'signal'],
];

const ISSUE = /^get \d+ CA/;

/** Reads a rotation's parts from the agent's own log. */
export function partsOf(lines: readonly LogLine[]): Parts {
  const parts: Parts = { login: 0, check: 0, keys: 0, signing: 0, files: 0, restart: 0, signal: 0 };
  for (const line of lines.filter(({ event }) => event === 'step-done')) {
    const [, part] = STEPS.find(([words]) => words.test(stepOf(line))) ?? [];
    if (part) parts[part] += Number(line.fields['ms']);
    else if (ISSUE.test(stepOf(line))) {
      const began = line.at - Number(line.fields['ms']);
      const keys = lines.filter(
        (other) => other.event === 'step-started' && stepOf(other).startsWith('key '),
      );
      const lastKey = Math.max(began, ...keys.map(({ at }) => at));
      parts.keys += lastKey - began;
      parts.signing += line.at - lastKey;
    } else throw new Error(`the agent logs a step that this benchmark does not know: ${stepOf(line)}`);
  }
  return parts;
}

const stepOf = ({ fields }: LogLine): string => String(fields['step']);
