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
  outputs: readonly OutputSpec[];
  signal: SignalTarget;
};

/** An output that the deployment declares; a value in an `errorOutput` makes Heat fail the deployment. */
export type OutputSpec = { name: string; errorOutput: boolean };

/** Where and how the result is told. */
export type SignalTarget =
  | { transport: 'NO_SIGNAL' }
  | { transport: 'CFN_SIGNAL'; url: string; verb: 'POST' | 'PUT' }
  | {
      transport: 'HEAT_SIGNAL';
      stackId: string;
      resourceName: string;
      authUrl: string;
      userId: string;
      password: string;
      projectId: string;
      region: string | undefined;
    };

/** How a deployment ended. A status code of 0 is success. */
export type Outcome = {
  statusCode: number;
  stdout: string;
  stderr: string;
  outputs: Readonly<Record<string, unknown>>;
};
