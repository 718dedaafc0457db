import { describeResource } from './describe-resource.ts';
import type { Answer, Request } from './exchange.ts';
import { cfnDenied, cfnError, plainNotFound } from './heat-answers.ts';
import { isPresigned } from './presigned.ts';
import { createRouter, type Handler, type Params } from './router.ts';
import { receiveSignal, type SignalLog } from './signals.ts';
import type { Stack } from './stack.ts';

/** Heat's CloudFormation API: polls, and signal addresses with their own authorization. */
export function createCfn({ stacks, log }: { stacks: () => Stack[]; log: SignalLog }): Handler {
  const signalPath =
    /^\/v1\/signal\/(?<arn>[^/]+)\/(?<stack>[^/]+)\/(?<id>[^/]+)\/resources\/(?<resource>[^/]+)$/;
  return createRouter(
    [
      { method: 'GET', path: /^\/v1\/$/, handle: (request) => describeResource(request, stacks()) },
      ...['POST', 'PUT', 'GET'].map((method) => ({
        method,
        path: signalPath,
        handle: (request: Request, { resource = '', id = '' }: Params) => {
          if (!request.query.has('Signature'))
            return cfnError(
              400,
              'IncompleteSignature',
              'The request signature does not conform to AWS standards',
            );
          const stack = stacks().find(({ around }) => around.stackId === id);
          const key = stack?.resources.get(resource)?.signingKey;
          if (!stack || !key || !isPresigned(request, key, stack.around.now())) return cfnDenied();
          const taken = receiveSignal(stack, resource, request, log);
          // The service fails on a body that is too long; otherwise its answer is empty.
          const tooLong = typeof taken === 'object' && taken.kind === 'too-long';
          return tooLong ? empty(500, 'text/plain') : empty(200, 'text/html; charset=UTF-8');
        },
      })),
    ],
    { unknownPath: plainNotFound, wrongMethod: () => cfnDenied() },
  );
}

const empty = (status: number, type: string): Answer => ({
  status,
  headers: { 'Content-Type': type },
  body: '',
});
