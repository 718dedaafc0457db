import { parseObject, type Request } from './exchange.ts';
import type { Stack } from './stack.ts';

/** Heat's limit for a JSON body, in bytes. */
export const LARGEST_SIGNAL = 1_048_576;

export type ReceivedSignal = {
  stack: string;
  resource: string;
  /** The resource's deployment when the signal arrived. */
  deploymentId: string | undefined;
  path: string;
  body: Record<string, unknown> | undefined;
  /** False: ignored, because Heat was not waiting for it. */
  accepted: boolean;
};

export type SignalLog = (signal: ReceivedSignal) => void;

export type Taken = 'unknown' | 'unsupported' | { kind: 'too-long'; message: string } | { kind: 'taken' };

/** Processes an authorized signal of either API. */
export function receiveSignal(stack: Stack, name: string, request: Request, log: SignalLog): Taken {
  const resource = stack.resources.get(name);
  if (!resource) return stack.servers.has(name) ? 'unsupported' : 'unknown';
  const size = Buffer.byteLength(request.body);
  if (size > LARGEST_SIGNAL) {
    const message = `Request limit exceeded: JSON body size (${size} bytes) exceeds maximum allowed size (${LARGEST_SIGNAL} bytes).`;
    return { kind: 'too-long', message };
  }
  const body = parseObject(request.body);
  const deploymentId = resource.current?.deployment.id;
  const accepted = stack.signal(resource, body);
  log({ stack: stack.around.stackName, resource: name, deploymentId, path: request.path, body, accepted });
  return { kind: 'taken' };
}
