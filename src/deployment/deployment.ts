import * as v from 'valibot';
import { secretsOfAddress } from '../base/presigned.ts';
import type { AgentError } from '../base/errors.ts';
import { isObject } from '../base/json.ts';
import { secretsNamed } from '../base/secrets/names.ts';

/**
 * A deployment is one piece of work that Heat hands to this node. Its id changes with every change of its
 * inputs; its resource, and with it the address that its result is signalled to, stays.
 */
export type Deployment = {
  id: string;
  name: string;
  /** Which kind of work: `coe-rotate`, `script`, ... */
  group: string;
  /** The stack action that it belongs to: CREATE, UPDATE, DELETE, SUSPEND, RESUME. */
  action: string;
  /** Milliseconds since the epoch; 0 when Heat did not say. */
  createdAt: number;
  /** `stack name/stack id/resource name`, or the deployment's own id when it belongs to no stack. */
  resource: string;
  inputs: Readonly<Record<string, unknown>>;
  /** The inputs that are the template's own, as a digest; empty when none of them has a value. */
  asks: string;
  /** The same without the phase and the versions of an upgrade: which rotation it belongs to. */
  rotation: string;
  outputs: readonly OutputSpec[];
  signal: SignalTarget;
  /** All of it as Heat gave it: what a hook reads. */
  raw: Readonly<Record<string, unknown>>;
  /** What is wrong with it: it is answered with that and not done. */
  fault?: AgentError;
};

/** An output that the deployment declares; a value in an `errorOutput` makes Heat fail the deployment. */
export type OutputSpec = { name: string; errorOutput: boolean };

const HeatSignal = v.object({
  transport: v.literal('HEAT_SIGNAL'),
  stackId: v.string(),
  resourceName: v.string(),
  authUrl: v.string(),
  userId: v.string(),
  password: v.string(),
  projectId: v.string(),
  region: v.optional(v.string()),
});

const CfnSignal = v.object({
  transport: v.literal('CFN_SIGNAL'),
  url: v.string(),
  verb: v.picklist(['POST', 'PUT']),
  /** The other way, where the inputs allow it: Keystone refuses a pre-signed address once it is too old. */
  fallback: v.optional(HeatSignal),
});

const TempUrlSignal = v.object({
  transport: v.literal('TEMP_URL_SIGNAL'),
  url: v.string(),
  /** When Heat made the deployment, in milliseconds since the epoch; 0 when it did not say. */
  handedOutAt: v.number(),
  /** As of a pre-signed address. */
  fallback: v.optional(HeatSignal),
});

const ZaqarSignal = v.object({
  transport: v.literal('ZAQAR_SIGNAL'),
  queueId: v.string(),
  authUrl: v.string(),
  userId: v.string(),
  password: v.string(),
  projectId: v.string(),
  region: v.optional(v.string()),
});

/** Where and how the result is told. */
export const SignalTargetSchema = v.variant('transport', [
  v.object({ transport: v.literal('NO_SIGNAL') }),
  CfnSignal,
  TempUrlSignal,
  ZaqarSignal,
  HeatSignal,
]);
export type SignalTarget = v.InferOutput<typeof SignalTargetSchema>;

/**
 * The files of before are back, and proven; they are back, and a unit is not proven; or neither way is possible, and both
 * generations are kept.
 */
const TAKEN_BACK = ['taken-back', 'unproven', 'stuck'] as const;

/** What became of a node on which a deployment failed. `as-before`: nothing had been replaced. */
export type NodeState = 'as-before' | (typeof TAKEN_BACK)[number];

const TOLD = { stdout: v.string(), stderr: v.string(), outputs: v.record(v.string(), v.unknown()) };

const Succeeded = v.object({ is: v.literal('succeeded'), statusCode: v.literal(0), ...TOLD });

const Failed = v.object({
  is: v.literal('failed'),
  /** Not 0, which would tell Heat of a success. */
  statusCode: v.number(),
  ...TOLD,
  /**
   * What a failure is for a program: the code of its error, the reason where that has one, and what became of the node
   * where something had been replaced.
   */
  error: v.optional(
    v.object({ code: v.string(), reason: v.optional(v.string()), node: v.optional(v.picklist(TAKEN_BACK)) }),
  ),
});

/** How a deployment ended. */
export type Outcome = v.InferOutput<typeof Succeeded> | v.InferOutput<typeof Failed>;
export type OutcomeError = v.InferOutput<typeof Failed>['error'];

/** Earlier versions recorded a status code alone. */
const tagged = <T>(value: T): T =>
  isObject(value) && !('is' in value)
    ? { is: value['statusCode'] === 0 ? 'succeeded' : 'failed', ...value }
    : value;

export const OutcomeSchema = v.pipe(
  v.custom<Outcome>(() => true),
  v.transform((outcome) => tagged(outcome)),
  v.variant('is', [Succeeded, Failed]),
);

/** The values of a deployment that must never be shown. */
export const secretsOf = ({ inputs, signal, raw }: Deployment): string[] => [
  ...Object.entries(inputs).flatMap(([name, value]) => secretsNamed(name, value)),
  // A map that has become a text is secret in its parts, which a hook may get.
  ...rowsOf(raw['inputs']).flatMap(({ name, value }) => secretsNamed(String(name), value)),
  ...secretsOfTarget(signal),
];

const rowsOf = (inputs: unknown): Record<string, unknown>[] =>
  Array.isArray(inputs) ? inputs.filter(isObject) : [];

export function secretsOfTarget(target: SignalTarget): string[] {
  switch (target.transport) {
    case 'NO_SIGNAL':
      return [];
    case 'CFN_SIGNAL':
    case 'TEMP_URL_SIGNAL':
      return [...secretsOfAddress(target.url), ...(target.fallback ? [target.fallback.password] : [])];
    case 'ZAQAR_SIGNAL':
    case 'HEAT_SIGNAL':
      return [target.password];
  }
}
