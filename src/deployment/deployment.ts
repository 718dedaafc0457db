import * as v from 'valibot';
import { secretsOfAddress } from '../base/presigned.ts';
import type { AgentError } from '../base/errors.ts';
import { isObject } from '../base/json.ts';
import { secretsNamed } from '../base/secrets/names.ts';

/**
 * A deployment is one piece of work that Heat assigns to this node. Its id changes whenever its inputs change. Its
 * resource stays, and so does the address of its signal.
 */
export type Deployment = {
  id: string;
  name: string;
  /** The kind of work: `coe-rotate`, `script`, ... */
  group: string;
  /** The stack action that it belongs to: CREATE, UPDATE, DELETE, SUSPEND, RESUME. */
  action: string;
  /** Milliseconds since the epoch; 0 if Heat sent none. */
  createdAt: number;
  /** `stack name/stack id/resource name`, or the deployment's own id if it belongs to no stack. */
  resource: string;
  inputs: Readonly<Record<string, unknown>>;
  /** Digest of the template's own inputs; empty if none has a value. */
  asks: string;
  /** Digest without the phase and the versions of an upgrade: identifies the rotation. */
  rotation: string;
  outputs: readonly OutputSpec[];
  signal: SignalTarget;
  /** The whole deployment as received, for hooks. */
  raw: Readonly<Record<string, unknown>>;
  /** A fault: the deployment is answered with it and not run. */
  fault?: AgentError;
};

/** An output that the deployment declares. If an `errorOutput` has a value, Heat fails the deployment. */
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
  /** Alternative transport, if the inputs allow it: Keystone refuses a pre-signed address once it is too old. */
  fallback: v.optional(HeatSignal),
});

const TempUrlSignal = v.object({
  transport: v.literal('TEMP_URL_SIGNAL'),
  url: v.string(),
  /** When Heat created the deployment, in milliseconds since the epoch; 0 if Heat sent none. */
  handedOutAt: v.number(),
  /** As for a pre-signed address. */
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

/** Where and how to send the result. */
export const SignalTargetSchema = v.variant('transport', [
  v.object({ transport: v.literal('NO_SIGNAL') }),
  CfnSignal,
  TempUrlSignal,
  ZaqarSignal,
  HeatSignal,
]);
export type SignalTarget = v.InferOutput<typeof SignalTargetSchema>;

/**
 * The former files are restored and proven; they are restored, but a unit is not proven; or neither new nor old files
 * could be put in place, and both are kept.
 */
const TAKEN_BACK = ['taken-back', 'unproven', 'stuck'] as const;

/** The state of a node after a failed deployment. `as-before`: nothing was replaced. */
export type NodeState = 'as-before' | (typeof TAKEN_BACK)[number];

const TOLD = { stdout: v.string(), stderr: v.string(), outputs: v.record(v.string(), v.unknown()) };

const Succeeded = v.object({ is: v.literal('succeeded'), statusCode: v.literal(0), ...TOLD });

const Failed = v.object({
  is: v.literal('failed'),
  /** Never 0, which would mean success to Heat. */
  statusCode: v.number(),
  ...TOLD,
  /**
   * The failure in machine-readable form: the error's code, its reason if any, and the node's state if anything had
   * been replaced.
   */
  error: v.optional(
    v.object({ code: v.string(), reason: v.optional(v.string()), node: v.optional(v.picklist(TAKEN_BACK)) }),
  ),
});

/** The result of a deployment. */
export type Outcome = v.InferOutput<typeof Succeeded> | v.InferOutput<typeof Failed>;
export type OutcomeError = v.InferOutput<typeof Failed>['error'];

/** Earlier versions recorded only a status code. */
const tagged = <T>(value: T): T =>
  isObject(value) && !('is' in value)
    ? { is: value['statusCode'] === 0 ? 'succeeded' : 'failed', ...value }
    : value;

export const OutcomeSchema = v.pipe(
  v.custom<Outcome>(() => true),
  v.transform((outcome) => tagged(outcome)),
  v.variant('is', [Succeeded, Failed]),
);

/** Returns the values of a deployment that must be redacted. */
export const secretsOf = ({ inputs, signal, raw }: Deployment): string[] => [
  ...Object.entries(inputs).flatMap(([name, value]) => secretsNamed(name, value)),
  // If a map has become a text, its parts are secret too, and hooks may receive them.
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
