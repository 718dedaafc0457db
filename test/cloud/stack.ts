import { randomUUID } from 'node:crypto';
import type { Action, Deployment } from './deployment.ts';
import { outcomeOf, outputsOf } from './deployment.ts';
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
  /** Called after every change of the status. */
  changed: () => void;
  /** Time from a failure to Heat's roll-back, in milliseconds. */
  rollbackMs: number;
};

/**
 * A stack of servers and their deployments, like Heat's engine runs it: it waits for one signal per deployment, and
 * rolls an update back when one fails.
 */
export function createStack({ around, changed, rollbackMs }: StackHands) {
  const servers = new Map<string, Server>();
  const resources = new Map<string, Resource>();
  const parameters: Record<string, string> = {};
  /** Each output: a map from names to an attribute of a deployment, as `get_attr` names it. */
  const outputs: Record<string, Record<string, readonly [resource: string, attribute: string]>> = {};
  let phase: Phase = 'CREATE';
  let state: State = 'IN_PROGRESS';
  /** Deployments of resources that a roll-back has replaced, listed until it is complete. */
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

  /** Advances the stack after a deployment has changed its state. */
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
   * Rolls back: replaces a failed deployment by a new resource, which acts on CREATE or not at all; updates a
   * successful one to its previous inputs; waits for a running one.
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
    resource.outputs = {};
    deployAs(resource, 'CREATE', values);
  };

  return {
    around,
    servers,
    resources,
    parameters,
    outputs,
    /** The values of the outputs. An attribute without a value is null. */
    outputValues: (): [name: string, value: Record<string, unknown>][] =>
      Object.entries(outputs).map(([name, members]) => [
        name,
        Object.fromEntries(
          Object.entries(members).map(([member, [resource, attribute]]) => [
            member,
            resources.get(resource)?.outputs[attribute] ?? null,
          ]),
        ),
      ]),
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
    /** Ends the stack's creation: deploys everything that acts on CREATE. */
    created: (): void => {
      for (const resource of all()) deployAs(resource, 'CREATE');
      settle();
    },
    /** Sets new parameters: every deployment with changed inputs gets a new id. */
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
    /** Creates one deployment by hand for an existing resource. */
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
    /** Processes a signal. False: ignored, because no deployment waits for it. */
    signal: (resource: Resource, body: unknown): boolean => {
      if (resource.current?.status !== 'IN_PROGRESS') return false;
      resource.current.status = outcomeOf(resource.config.outputs, body);
      resource.outputs = outputsOf(resource.config.outputs, resource.outputs, body);
      settle();
      return true;
    },
    /** A server's deployments, sorted by config name like in Heat. */
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
