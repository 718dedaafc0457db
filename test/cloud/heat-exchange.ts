import { isObject } from './exchange.ts';
import { metadataObject, metadataOf } from './metadata.ts';
import type { Objects } from './objects.ts';
import { queueOf, type Queues } from './queues.ts';
import type { ReceivedSignal, SignalLog } from './signals.ts';
import type { Stack } from './stack.ts';
import { type Resource, signalObject, type Server } from './stack-resource.ts';

type Hands = { stacks: () => Stack[]; queues: Queues; objects: Objects; log: SignalLog };

const HEAT = '00000000-0000-4000-8000-000000000000';
const TTL = 3600;

/**
 * Writes Heat's metadata to queues and objects, and reads the answers that it waits for. Call it whenever something may
 * have changed.
 */
export function createExchange({ stacks, queues, objects, log }: Hands): () => void {
  const told = new Map<string, string>();

  const tell = (stack: Stack, server: Server): void => {
    const text = JSON.stringify(metadataOf(stack, server));
    if (told.get(server.id) === text) return;
    told.set(server.id, text);
    if (server.transport === 'ZAQAR_MESSAGE') {
      const body: unknown = JSON.parse(text);
      const queue = queueOf(stack.around.userProject.id, server.physicalName);
      queues.post(queue, [{ body, ttl: TTL }], HEAT);
    } else if (server.transport === 'POLL_TEMP_URL') objects.put(metadataObject(stack, server), text);
  };

  const accept = (stack: Stack, resource: Resource, path: string, found: unknown): void => {
    const body = isObject(found) ? found : undefined;
    const signal: ReceivedSignal = {
      stack: stack.around.stackName,
      resource: resource.name,
      deploymentId: resource.current?.deployment.id,
      path,
      body,
      accepted: true,
    };
    log(signal);
    stack.signal(resource, body);
  };

  const look = (stack: Stack, resource: Resource): void => {
    const { current, physicalName, transport } = resource;
    if (current?.status !== 'IN_PROGRESS') return;
    if (transport === 'ZAQAR_SIGNAL') {
      const [message] = queues.pop(queueOf(stack.around.userProject.id, physicalName), 1);
      if (message) accept(stack, resource, `/v2/queues/${physicalName}`, message.body);
    } else if (transport === 'TEMP_URL_SIGNAL') {
      const path = signalObject(stack.around, resource);
      const object = objects.find(path);
      // An object that is not newer than the deployment is the answer to an earlier one.
      if (!object || object.content === '' || object.modified <= current.since) return;
      accept(stack, resource, path, JSON.parse(object.content));
    }
  };

  return () => {
    for (const stack of stacks()) {
      for (const server of stack.servers.values()) tell(stack, server);
      for (const resource of stack.resources.values()) look(stack, resource);
    }
  };
}
