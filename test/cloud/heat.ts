import type { Origins } from './catalog.ts';
import { isoSeconds, json, type Answer, type Request } from './exchange.ts';
import {
  heatError,
  keystoneUnavailable,
  noResource,
  noStack,
  notYours,
  plainNotFound,
  unauthorized,
} from './heat-answers.ts';
import type { Identity, Token } from './identity.ts';
import { metadataOf } from './metadata.ts';
import { createRouter, type Handler, type Params } from './router.ts';
import { receiveSignal, type SignalLog } from './signals.ts';
import type { Stack } from './stack.ts';

export type HeatHands = {
  identity: Identity;
  origins: Origins;
  stacks: () => Stack[];
  log: SignalLog;
};

/** Heat's orchestration API, https://docs.openstack.org/api-ref/orchestration/v1/ . */
export function createHeat({ identity, origins, stacks, log }: HeatHands): Handler {
  const withStack =
    (use: (stack: Stack, token: Token, request: Request, params: Params) => Answer) =>
    (request: Request, params: Params): Answer => {
      const token = identity.check(request.headers['x-auth-token']);
      if (!token) return unauthorized(origins.keystone);
      if (identity.isBroken(token)) return keystoneUnavailable();
      if (token.project?.id !== params['project'])
        return heatError(403, 'HTTPForbidden', 'Access was denied to this resource.');
      const stack = stacks().find(({ around }) => isNamed(around, params));
      return stack
        ? use(stack, token, request, params)
        : noStack(params['stack'] ?? params['nameOrId'] ?? '');
    };

  const metadata = withStack((stack, token, _request, { resource = '' }) => {
    const server = stack.servers.get(resource);
    if (isStackUser(token) && token.user.id !== server?.user.id) return notYours('this action');
    if (!server) return noResource(resource, stack.around.stackName);
    return json(200, { metadata: metadataOf(stack, server) });
  });

  const signal = withStack((stack, _token, request, { resource = '' }) => {
    const taken = receiveSignal(stack, resource, request, log);
    if (taken === 'unknown') return noResource(resource, stack.around.stackName);
    if (taken === 'unsupported')
      return heatError(400, 'ResourceActionNotSupported', 'signal is not supported for resource.');
    if (taken.kind === 'too-long') return heatError(400, 'RequestLimitExceeded', taken.message);
    return json(200, null);
  });

  const show = withStack((stack, token) =>
    isStackUser(token) ? notYours('stacks:show') : json(200, { stack: describe(stack, origins) }),
  );

  /** The engine finds a stack by its name or id, and Heat redirects to its address. */
  const lookup = withStack(({ around }, _token, _request, { project = '' }) => ({
    status: 302,
    headers: { Location: `${origins.heat}/v1/${project}/stacks/${around.stackName}/${around.stackId}` },
    body: '',
  }));

  const stackPath = '/v1/(?<project>[^/]+)/stacks/(?<stack>[^/]+)/(?<id>[^/]+)';
  const resourcePath = `${stackPath}/resources/(?<resource>[^/]+)`;
  return createRouter(
    [
      { method: 'GET', path: /^\/$/, handle: () => versions(origins) },
      { method: 'GET', path: /^\/v1\/(?<project>[^/]+)\/stacks\/(?<nameOrId>[^/]+)$/, handle: lookup },
      { method: 'GET', path: new RegExp(`^${stackPath}$`), handle: show },
      { method: 'GET', path: new RegExp(`^${resourcePath}/metadata$`), handle: metadata },
      { method: 'POST', path: new RegExp(`^${resourcePath}/signal$`), handle: signal },
    ],
    {
      unknownPath: plainNotFound,
      wrongMethod: () => heatError(405, 'HTTPMethodNotAllowed', WRONG_METHOD),
    },
  );
}

const WRONG_METHOD =
  'The server could not comply with the request since it is either malformed or otherwise incorrect.';

const isStackUser = ({ roles }: Token): boolean => roles.includes('heat_stack_user');

// A stack is found from its owner's project and from its own one in Heat's domain.
const isNamed = ({ project, userProject, stackName, stackId }: Stack['around'], params: Params): boolean => {
  if (![project.id, userProject.id].includes(params['project'] ?? '')) return false;
  const { nameOrId, stack, id } = params;
  return nameOrId === undefined
    ? stackName === stack && stackId === id
    : nameOrId === stackName || nameOrId === stackId;
};

function describe({ around, status, parameters, outputValues }: Stack, { heat }: Origins): unknown {
  const { stackName, stackId, project, userProject, createdAt } = around;
  return {
    stack_name: stackName,
    id: stackId,
    links: [{ href: `${heat}/v1/${project.id}/stacks/${stackName}/${stackId}`, rel: 'self' }],
    creation_time: isoSeconds(createdAt),
    parameters: {
      'OS::stack_id': stackId,
      'OS::project_id': project.id,
      'OS::stack_name': stackName,
      ...Object.fromEntries(Object.keys(parameters).map((name) => [name, '******'])),
    },
    stack_user_project_id: userProject.id,
    stack_status: status,
    stack_status_reason: `Stack ${status
      .replace('_IN_PROGRESS', ' started')
      .replace('_COMPLETE', ' completed successfully')
      .replace('_FAILED', ' failed')}`,
    outputs: outputValues().map(([name, value]) => ({
      output_key: name,
      description: 'No description given',
      output_value: value,
    })),
  };
}

const versions = ({ heat }: Origins): Answer =>
  json(300, { versions: [{ id: 'v1.0', status: 'CURRENT', links: [{ rel: 'self', href: `${heat}/v1/` }] }] });
