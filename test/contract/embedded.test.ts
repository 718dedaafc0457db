import * as v from 'valibot';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cloud/cluster.ts';
import type { SignalTransport } from '../cloud/deployment.ts';
import type { PollTransport } from '../cloud/stack-resource.ts';
import { CfnCoordinates, cfnContract } from './cfn.contract.ts';
import { contract } from './cloud.contract.ts';
import type { Coordinates, Place } from './coordinates.ts';
import { token } from '../cloud/client.ts';
import type { Project, User } from '../cloud/identity.ts';
import { RELEASES } from '../cloud/magnum-policy.ts';
import { rolesContract } from './roles.contract.ts';
import { personContract } from './person.contract.ts';
import { RequestCoordinates, requestContract } from './request.contract.ts';
import { stackOutputsContract } from './stack-outputs.contract.ts';
import { tempUrlSignalContract } from './temp-url-signal.contract.ts';
import { ZaqarCoordinates, zaqarContract } from './zaqar.contract.ts';

contract('the embedded cloud', async () => {
  const cloud = await startCloud();
  return {
    heatSignal: await seed(cloud, 'heat-signal', 'HEAT_SIGNAL'),
    cfnSignal: await seed(cloud, 'cfn-signal', 'CFN_SIGNAL'),
    close: cloud.close,
  };
});

personContract('the embedded cloud', async () => {
  const cloud = await startCloud();
  const { cluster } = await seed(cloud, 'person', 'HEAT_SIGNAL');
  const env = {
    OS_AUTH_URL: cloud.authUrl,
    OS_USERNAME: cloud.owner.name,
    OS_PASSWORD: cloud.owner.password,
    OS_PROJECT_NAME: cloud.project.name,
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: 'RegionOne',
  };
  return { env, cluster, close: cloud.close };
});

cfnContract('the embedded cloud', async () => {
  const { at, close } = await polled('POLL_SERVER_CFN');
  return { at: v.parse(CfnCoordinates, at), close };
});

requestContract('the embedded cloud', async () => {
  const { at, close } = await polled('POLL_TEMP_URL');
  return { at: v.parse(RequestCoordinates, at), close };
});

zaqarContract('the embedded cloud', async () => {
  const { at, close } = await polled('ZAQAR_MESSAGE', 'ZAQAR_SIGNAL');
  return { at: v.parse(ZaqarCoordinates, at), close };
});

tempUrlSignalContract('the embedded cloud', async () => {
  const cloud = await startCloud();
  return { at: await seed(cloud, 'temp-url-signal', 'TEMP_URL_SIGNAL'), close: cloud.close };
});

stackOutputsContract('the embedded cloud', async () => {
  const cloud = await startCloud();
  return { at: await seed(cloud, 'outputs', 'HEAT_SIGNAL'), close: cloud.close };
});

for (const release of RELEASES)
  rolesContract(`the embedded cloud of ${release}`, async () => {
    const cloud = await startCloud({ release });
    const { identity, project, owner } = cloud;
    const elsewhere = identity.addProject('elsewhere', project.domain);
    const tokenOf = async (user: User, { id }: Project): Promise<string> =>
      await token(cloud.authUrl, { id: user.id, password: user.password }, { project: { id } });
    return {
      release,
      cluster: placeOf(cloud, await cloud.createCluster({ name: 'roles', keys: 'ec', servers: [] })),
      noTls: placeOf(
        cloud,
        await cloud.createCluster({ name: 'no-tls', keys: 'ec', servers: [], tlsDisabled: true }),
      ),
      owner: async () => await tokenOf(owner, project),
      newUser: async (role, where) => {
        const user = identity.addUser(`${where} ${role}`, project.domain, 'secret');
        identity.grant(user, where === 'here' ? project : elsewhere, [role]);
        return await tokenOf(user, where === 'here' ? project : elsewhere);
      },
      close: cloud.close,
    };
  });

async function polled(
  transport: PollTransport,
  signalTransport: SignalTransport = 'CFN_SIGNAL',
): Promise<{ at: unknown; close(): Promise<void> }> {
  const cloud = await startCloud();
  const cluster = await cloud.createCluster({
    name: 'polled',
    servers: [{ name: 'master-0', role: 'master', transport, signalTransport }],
  });
  const servers = [{ name: 'master-0', os_collect_config: cluster.pollerConfig('master-0') }];
  return { at: { ...placeOf(cloud, cluster), servers }, close: cloud.close };
}

async function seed(cloud: Cloud, name: string, signalTransport: SignalTransport): Promise<Coordinates> {
  const cluster = await cloud.createCluster({
    name,
    servers: [{ name: 'master-0', role: 'master', signalTransport }],
  });
  const servers = [{ name: 'master-0', os_collect_config: cluster.collectConfig('master-0') }] as const;
  return { ...placeOf(cloud, cluster), servers: [...servers] };
}

function placeOf(cloud: Cloud, cluster: Cluster): v.InferOutput<typeof Place> {
  return {
    cluster: { uuid: cluster.uuid, name: cluster.name },
    heat_params: {
      AUTH_URL: cloud.authUrl,
      MAGNUM_URL: cloud.magnumUrl,
      REGION_NAME: 'RegionOne',
      TRUSTEE_USER_ID: cluster.trusteeUserId,
      TRUSTEE_PASSWORD: cluster.trusteePassword,
      TRUST_ID: cluster.trustId,
    },
  };
}
