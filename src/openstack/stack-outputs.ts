import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { JsonText } from '../base/json.ts';
import type { Http } from './http.ts';
import type { Session } from './keystone.ts';
import { statusError } from './status.ts';

/** A stack with the values of its outputs. */
export type StackOutputs = {
  name: string;
  /** `error`: Heat could not resolve the value. */
  outputs: { name: string; value: unknown; error: string | undefined }[];
};

const StackBody = v.pipe(
  JsonText,
  v.object({
    stack: v.object({
      stack_name: v.string(),
      // Absent in the answer about a deleted stack.
      outputs: v.optional(
        v.array(
          v.object({
            output_key: v.string(),
            output_value: v.optional(v.unknown()),
            output_error: v.optional(v.string()),
          }),
        ),
        [],
      ),
    }),
  }),
);

/**
 * Reads the outputs of a stack, https://docs.openstack.org/api-ref/orchestration/v1/#show-stack-details .
 *
 * @param stack name, id, or `name/id`; Heat redirects the first two to the third
 */
export async function readStackOutputs(
  http: Http,
  session: Session,
  stack: string,
  abort: AbortSignal,
): Promise<StackOutputs> {
  const what = `reading the outputs of the stack ${stack}`;
  const path = stack.split('/').map(encodeURIComponent).join('/');
  const answer = await http({
    what,
    method: 'GET',
    url: `${session.endpoint('orchestration')}/stacks/${path}`,
    headers: { 'x-auth-token': session.token },
    abort,
  });
  if (answer.status !== 200) throw statusError(what, answer);
  const body = v.safeParse(StackBody, answer.text);
  if (!body.success) throw new AgentError('bad-answer', 'the answer describes no stack', { task: what });
  const { stack_name: name, outputs } = body.output.stack;
  return {
    name,
    outputs: outputs.map(({ output_key: key, output_value: value, output_error: error }) => ({
      name: key,
      value: value ?? null,
      error,
    })),
  };
}
