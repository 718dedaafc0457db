import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { LEFT_OUT } from '../base/bounded-json.ts';
import { AgentError } from '../base/errors.ts';
import { describeIssues } from '../base/issue.ts';
import { isObject } from '../base/json.ts';
import { decodeSignal, type Misfit, textInput } from './decode-signal.ts';
import type { Deployment } from './deployment.ts';

/** Ids become file names, so only characters of UUIDs and simple names are accepted. */
const Id = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, 'is not usable as an id'));

const Input = v.object({ name: v.string(), type: v.nullish(v.string()), value: v.optional(v.unknown()) });

const fields = {
  name: v.nullish(v.string(), ''),
  group: v.optional(v.nullable(v.string()), ''),
  creation_time: v.nullish(v.string()),
  inputs: v.optional(v.array(Input), []),
  outputs: v.nullish(
    v.array(v.object({ name: v.string(), error_output: v.optional(v.unknown(), false) })),
    [],
  ),
};

const Shape = v.object({ id: Id, ...fields });
type Shape = v.InferOutput<typeof Shape>;

/** Parses each field separately, to get as much as possible from a malformed deployment. */
const Legible = v.object({
  id: Id,
  name: v.fallback(fields.name, ''),
  group: v.fallback(fields.group, ''),
  creation_time: v.fallback(fields.creation_time, null),
  inputs: v.fallback(
    v.pipe(
      v.array(v.unknown()),
      v.transform((rows) => rows.filter((row) => v.is(Input, row))),
    ),
    [],
  ),
  outputs: v.fallback(fields.outputs, []),
});

/**
 * A deployment, or an error. The error comes with the id if it is usable, and with the part of the deployment needed
 * for an answer if a signal is expected.
 */
export type Decoded =
  | { ok: true; deployment: Deployment }
  | { ok: false; id: string | undefined; error: AgentError; deployment?: Deployment };

/**
 * Decodes one deployment of the metadata. Input values keep their JSON type, except that a String input always becomes
 * a string, as the predecessor's hooks expect.
 */
export function decodeDeployment(value: unknown): Decoded {
  const id = isObject(value) && v.is(Id, value['id']) ? value['id'] : undefined;
  const what = `deployment ${id ?? '(without a usable id)'}`;
  const wrong = (why: string, reason?: string): AgentError =>
    new AgentError('bad-deployment', `${what}: ${why}`, { reason });

  const isCut = JSON.stringify(value).includes(LEFT_OUT);
  const shape = v.safeParse(Shape, value);
  if (shape.success) {
    const read = readShape(shape.output, value);
    if ('why' in read) return { ok: false, id, error: wrong(read.why, read.reason) };
    if (!isCut) return { ok: true, deployment: read };
    const error = wrong(LEFT_OUT, 'left-out');
    return { ok: false, id, error, deployment: { ...read, fault: error } };
  }
  const error = isCut ? wrong(LEFT_OUT, 'left-out') : wrong(describeIssues(shape.issues), 'malformed');
  const legible = v.safeParse(Legible, value);
  const read = legible.success ? readShape(legible.output, value) : undefined;
  const isAwaited = read && !('why' in read) && read.signal.transport !== 'NO_SIGNAL';
  return { ok: false, id, error, ...(isAwaited && { deployment: { ...read, fault: error } }) };
}

/** Returns the deployment, or what is wrong with its signal. */
function readShape({ inputs: rows, ...rest }: Shape, raw: unknown): Deployment | Misfit {
  const inputs = Object.fromEntries(
    rows.map((row) => [row.name, row.type === 'String' ? asString(row.value) : row.value]),
  );
  const createdAt = Date.parse(rest.creation_time ?? '') || 0;
  const signal = decodeSignal(inputs, createdAt);
  if ('why' in signal) return signal;
  return {
    id: rest.id,
    name: rest.name,
    group: rest.group ?? '',
    action: textInput(inputs, 'deploy_action') ?? '',
    createdAt,
    resource: resourceOf(inputs) ?? rest.id,
    inputs,
    asks: digestOf(inputs),
    rotation: digestOf({ ...inputs, ...Object.fromEntries(NO_ROTATION.map((name) => [name, ''])) }),
    outputs: rest.outputs.map((output) => ({
      name: output.name,
      errorOutput: output.error_output === true || output.error_output === 'true',
    })),
    signal,
    raw: isObject(raw) ? raw : {},
  };
}

/** Inputs that may change within one rotation: its phase, and the versions in Magnum's own deployment. */
const NO_ROTATION = [
  'phase',
  'kube_tag_input',
  'kube_image_digest_input',
  'ostree_remote_input',
  'ostree_commit_input',
];

const asString = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

const resourceOf = (inputs: Record<string, unknown>): string | undefined => {
  const stack = textInput(inputs, 'deploy_stack_id');
  const resource = textInput(inputs, 'deploy_resource_name');
  return stack !== undefined && resource !== undefined ? `${stack}/${resource}` : undefined;
};

/** Hashes the template's own inputs. Heat's inputs (`deploy_*`) change with every deployment and are skipped. */
function digestOf(inputs: Record<string, unknown>): string {
  const asked = Object.entries(inputs)
    .filter(([name, value]) => !name.startsWith('deploy_') && asString(value) !== '')
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return asked.length === 0 ? '' : createHash('sha256').update(JSON.stringify(asked)).digest('hex');
}
