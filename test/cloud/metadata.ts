import { REGION } from './catalog.ts';
import type { Stack } from './stack.ts';
import type { PollTransport, Server } from './stack-resource.ts';

/** Returns a server's metadata, equal over every transport. */
export function metadataOf(stack: Stack, server: Server): Record<string, unknown> {
  return {
    deployments: stack.deploymentsOn(server.name),
    'os-collect-config': { ...overridden(stack, server), ...collectConfig(stack, server) },
  };
}

/** Returns a server's poller configuration, which its metadata repeats. */
export const collectConfig = (stack: Stack, server: Server): Record<string, unknown> => {
  const { section, collector } = ways[server.transport];
  return { collectors: [collector, 'local'], [collector]: section(stack, server) };
};

/** Heat empties the sections of former transports, whatever the node had at boot. */
const overridden = (stack: Stack, server: Server): Record<string, unknown> =>
  Object.fromEntries(
    server.formerly.map((transport) => {
      const { section, collector } = ways[transport];
      const nothing = Object.keys(section(stack, server)).map((key) => [key, null] as const);
      return [collector, Object.fromEntries(nothing)];
    }),
  );

export const heatSection = ({ around }: Stack, { name, user }: Server) => ({
  user_id: user.id,
  password: user.password,
  auth_url: `${around.origins.keystone}/v3/`,
  project_id: around.userProject.id,
  stack_id: `${around.stackName}/${around.stackId}`,
  resource_name: name,
  region_name: REGION,
});

const cfnSection = ({ around }: Stack, { name, pollingKey }: Server) => ({
  metadata_url: `${around.origins.cfn}/v1/`,
  access_key_id: pollingKey.access,
  secret_access_key: pollingKey.secret,
  stack_name: around.stackName,
  path: `${name}.Metadata`,
});

const zaqarSection = ({ around }: Stack, { user, physicalName }: Server) => ({
  user_id: user.id,
  password: user.password,
  auth_url: `${around.origins.keystone}/v3/`,
  project_id: around.userProject.id,
  queue_id: physicalName,
  region_name: REGION,
});

/** The path of the metadata object of a server that polls by POLL_TEMP_URL. */
export const metadataObject = ({ around }: Stack, { id, physicalName }: Server): string =>
  `/v1/AUTH_${around.project.id}/${physicalName}/${id}`;

const requestSection = (stack: Stack, server: Server) => ({
  metadata_url: stack.around.objects.temporary(
    stack.around.origins.swift,
    'GET',
    metadataObject(stack, server),
  ),
});

const ways: Record<
  PollTransport,
  { collector: string; section: (stack: Stack, server: Server) => Record<string, string> }
> = {
  POLL_SERVER_HEAT: { collector: 'heat', section: heatSection },
  POLL_SERVER_CFN: { collector: 'cfn', section: cfnSection },
  POLL_TEMP_URL: { collector: 'request', section: requestSection },
  ZAQAR_MESSAGE: { collector: 'zaqar', section: zaqarSection },
};
