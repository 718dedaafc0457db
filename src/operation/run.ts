import * as v from 'valibot';
import type { ExactNumber } from '../base/exact-json.ts';
import { isObject, unlessTooDeep } from '../base/json.ts';
import { pythonStr } from '../base/python.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { type RefuseOperation, refuse } from './refuse.ts';

/** A script, or a hook that the node has for the group. */
export type RunOperation = {
  kind: 'run';
  /** The hook's name; `script` is the agent's own. */
  hook: string;
  /** The whole deployment, as its hook reads it. */
  deployment: Readonly<Record<string, unknown>>;
  /** How long it may take; undefined when the deployment does not say. */
  timeoutMs: number | undefined;
};

/** Seconds, also where a template has made a text of the number. */
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
 * What a deployment of a group that is not the agent's own asks for.
 *
 * @returns undefined when no hook can have the group's name
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

/** The group as the name of a file. */
const hookName = (group: string): string => group.replaceAll(/[^\p{L}\p{N}_-]/gu, '');

/** An input of type String is a string, whatever the template has put there: so the predecessor's hooks expect. */
const inputsOf = ({ inputs }: Deployment['raw']): unknown[] =>
  (Array.isArray(inputs) ? (inputs as unknown[]) : []).map((input) =>
    isObject(input) && input['type'] === 'String' && 'value' in input
      ? { ...input, value: pythonStr(input['value']) }
      : input,
  );
