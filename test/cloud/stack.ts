import { randomUUID } from 'node:crypto';
import type { Action, Deployment } from './deployment.ts';
import { outcomeOf } from './deployment.ts';
import {
  addStackUser,
  createResource,
  deploy,
  physicalNameOf,
  randomName,
  signalObject,
  type PollTransport,
  type Resource,
  type ResourceSpec,
  type Server,
  type Surroundings,
} from './stack-resource.ts';
import { createSigningKey } from './presigned.ts';

type Phase = 'CREATE' | 'UPDATE' | 'ROLLBACK';
type State = 'IN_PROGRESS' | 'COMPLETE' | 'FAILED';
export type StackStatus = `${Phase}_${State}`;

export type Stack = ReturnType<typeof createStack>;

export type StackHands = {
  around: Surroundings;
  /** Told of every change of the status. */
  changed: () => void;
  /** How long Heat takes from a failure to its rollback, in milliseconds. */
  rollbackMs: number;
};

/**
 * A stack of servers and their deployments, as Heat's engine drives it: it waits for one signal per
 * deployment, and takes an update back when one fails.
 */
export function createStack({ around, changed, rollbackMs }: StackHands) {
  const servers = new Map<string, Server>();
  const resources = new Map<string, Resource>();
  const parameters: Record<string, string> = {};
  let phase: Phase = 'CREATE';
  let state: State = 'IN_PROGRESS';
  /** Deployments of resources that a rollback has replaced, shown until it is complete. */
  let replaced: { server: string; deployment: Deployment }[] = [];
  let rollback: NodeJS.Timeout | undefined;

  const all = (): Resource[] => [...resources.values()];
  const become = (nextPhase: Phase, nextState: State): void => {
    phase = nextPhase;
    state = nextState;
    changed();
  };

  const valuesOf = (resource: Resource): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(resource.parameters).map(([input, parameter]) => [input, parameters[parameter] ?? '']),
    );

  const deployAs = (resource: Resource, action: Action, values = valuesOf(resource)): void => {
    if (!resource.actions.includes(action)) return;
    deploy(resource, around, action, values);
    changed();
  };

  /** Moves the stack on after a deployment has changed its state. */
  const settle = (): void => {
    const states = all().map(({ current }) => current?.status);
    const [waiting, failed] = [states.includes('IN_PROGRESS'), states.includes('FAILED')];
    if (state !== 'IN_PROGRESS') return;
    if (phase === 'ROLLBACK') scheduleRollback();
    else if (failed && phase === 'UPDATE') {
      become('ROLLBACK', 'IN_PROGRESS');
      scheduleRollback();
    } else if (failed) become('CREATE', 'FAILED');
    else if (!waiting) complete();
  };

  const complete = (): void => {
    for (const resource of all()) resource.before = undefined;
    replaced = [];
    become(phase, 'COMPLETE');
  };

  const scheduleRollback = (): void => {
    rollback ??= setTimeout(() => {
      rollback = undefined;
      takeBack();
      changed();
    }, rollbackMs);
  };

  /**
   * A deployment that failed is replaced by a new resource, which acts on CREATE if on anything; one that
   * succeeded is updated to its previous inputs; one that still runs is waited for.
   */
  const takeBack = (): void => {
    for (const resource of all()) {
      const { current, before } = resource;
      if (!before || !current || current.status === 'IN_PROGRESS') continue;
      resource.before = undefined;
      if (current.status === 'COMPLETE') deployAs(resource, 'UPDATE', before.values);
      else replace(resource, current.deployment, before.values);
    }
    const states = all().map(({ current }) => current?.status);
    if (states.includes('FAILED')) become('ROLLBACK', 'FAILED');
    else if (!states.includes('IN_PROGRESS')) complete();
  };

  const replace = (resource: Resource, failed: Deployment, values: Record<string, unknown>): void => {
    if (resource.actions.includes('CREATE')) replaced.push({ server: resource.server, deployment: failed });
    around.objects.remove(signalObject(around, resource));
    resource.physicalName = physicalNameOf(around, resource.name);
    resource.user = addStackUser(around, resource.name);
    resource.signingKey = createSigningKey();
    resource.current = undefined;
    deployAs(resource, 'CREATE', values);
  };

  return {
    around,
    servers,
    resources,
    parameters,
    get status(): StackStatus {
      return `${phase}_${state}`;
    },
    addServer: (name: string, transport: PollTransport): Server => {
      const user = addStackUser(around, name);
      const pollingKey = createSigningKey();
      const physicalName = `${around.stackName}-${name}-${randomName()}`;
      const id = randomUUID();
      const server: Server = { name, id, physicalName, user, pollingKey, transport, formerly: [] };
      servers.set(name, server);
      return server;
    },
    addResource: (spec: ResourceSpec): Resource => {
      const resource = createResource(spec, servers.get(spec.server)?.id ?? '', around);
      resources.set(spec.name, resource);
      return resource;
    },
    /** The end of the stack's creation: what acts on CREATE is deployed. */
    created: (): void => {
      for (const resource of all()) deployAs(resource, 'CREATE');
      settle();
    },
    /** New parameters: every deployment whose inputs they change gets a new id. */
    update: (next: Record<string, string>): void => {
      const old = new Map(all().map((resource) => [resource, valuesOf(resource)]));
      Object.assign(parameters, next);
      become('UPDATE', 'IN_PROGRESS');
      for (const [resource, values] of old) {
        if (JSON.stringify(values) === JSON.stringify(valuesOf(resource))) continue;
        resource.before = { values };
        deployAs(resource, 'UPDATE');
      }
      settle();
    },
    /** One deployment by hand, of a resource that is there already. */
    deploy: (
      resource: Resource,
      action: Action,
      values: Record<string, unknown>,
      created?: number,
    ): Deployment => {
      resource.before = { values: resource.current?.values ?? {} };
      const deployment = deploy(resource, around, action, values, created);
      become('UPDATE', 'IN_PROGRESS');
      settle();
      return deployment;
    },
    /** A signal's work. False: ignored, because nothing waits for it. */
    signal: (resource: Resource, body: unknown): boolean => {
      if (resource.current?.status !== 'IN_PROGRESS') return false;
      resource.current.status = outcomeOf(resource.config.outputs, body);
      settle();
      return true;
    },
    /** What a server is to do, by config name, as Heat sorts it. */
    deploymentsOn: (server: string): Deployment[] => {
      const current = all().flatMap((one) =>
        one.server === server && one.current ? [one.current.deployment] : [],
      );
      const old = replaced.filter((one) => one.server === server).map((one) => one.deployment);
      return [...old, ...current].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
    },
    close: (): void => clearTimeout(rollback),
  };
}
