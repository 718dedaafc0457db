import { type Cloud, startCloud } from '../cloud/cloud.ts';
import type { SignalTransport } from '../cloud/deployment.ts';
import { contract } from './cloud.contract.ts';
import type { Coordinates } from './coordinates.ts';

contract('the embedded cloud', async () => {
  const cloud = await startCloud();
  return {
    heatSignal: await seed(cloud, 'heat-signal', 'HEAT_SIGNAL'),
    cfnSignal: await seed(cloud, 'cfn-signal', 'CFN_SIGNAL'),
    close: cloud.close,
  };
});

async function seed(cloud: Cloud, name: string, signalTransport: SignalTransport): Promise<Coordinates> {
  const cluster = await cloud.createCluster({
    name,
    servers: [{ name: 'master-0', role: 'master', signalTransport }],
  });
  return {
    cluster: { uuid: cluster.uuid, name },
    heat_params: {
      AUTH_URL: cloud.authUrl,
      MAGNUM_URL: cloud.magnumUrl,
      REGION_NAME: 'RegionOne',
      TRUSTEE_USER_ID: cluster.trusteeUserId,
      TRUSTEE_PASSWORD: cluster.trusteePassword,
      TRUST_ID: cluster.trustId,
    },
    servers: [{ name: 'master-0', os_collect_config: cluster.collectConfig('master-0') }],
  };
}
