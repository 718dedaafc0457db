import * as v from 'valibot';
import type { ExactNumber } from '../base/exact-json.ts';
import { isObject, unlessTooDeep } from '../base/json.ts';
import { pythonStr } from '../base/python.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { type RefuseOperation, refuse } from './refuse.ts';

/** Runs a script, or the node's hook for the group. */
export type RunOperation = {
  kind: 'run';
  /** The hook's name; `script` is the agent's own. */
  hook: string;
  /** The whole deployment, as passed to its hook. */
  deployment: Readonly<Record<string, unknown>>;
  /** Time limit; undefined if the deployment sets none. */
  timeoutMs: number | undefined;
};

/** Seconds, also as text: a template may have converted the number. */
const Seconds = v.pipe(
  v.union([
    v.number(),
    v.pipe(v.string(), v.regex(/^\d+(\.\d+)?$/), v.transform(Number)),
    v.pipe(
      v.custom<ExactNumber>((value) => JSON.isRawJSON(value)),
      v.transform(({ rawJSON }) => Number(rawJSON)),
    ),
  ]),
  v.finite(),
  v.gtValue(0),
);
const Options = v.nullish(v.object({ timeout: v.nullish(Seconds) }));

/**
 * Decodes a deployment of a foreign group.
 *
 * @returns undefined if the group's name cannot be a hook's name
 */
export function selectRun({ group, raw }: Deployment): RunOperation | RefuseOperation | undefined {
  const hook = hookName(group);
  if (hook === '') return undefined;
  const options = v.safeParse(Options, raw['options']);
  if (!options.success) {
    const path = v.getDotPath(options.issues[0]);
    return refuse(
      'timeout-invalid',
      `options${path === null ? '' : `.${path}`}: not a number of seconds above 0`,
    );
  }
  const seconds = options.output?.timeout;
  const timeoutMs = typeof seconds === 'number' ? seconds * 1000 : undefined;
  const inputs = unlessTooDeep(() => inputsOf(raw));
  if (!inputs) return refuse('nested-too-deep', 'the inputs are nested too deep');
  return { kind: 'run', hook, deployment: { ...raw, inputs }, timeoutMs };
}

/** Converts a group to a file name. */
const hookName = (group: string): string => group.replaceAll(/[^\p{L}\p{N}_-]/gu, '');

/** Converts the value of a String input to a string, as the predecessor's hooks expect. */
const inputsOf = ({ inputs }: Deployment['raw']): unknown[] =>
  (Array.isArray(inputs) ? (inputs as unknown[]) : []).map((input) =>
    isObject(input) && input['type'] === 'String' && 'value' in input
      ? { ...input, value: pythonStr(input['value']) }
      : input,
  );
