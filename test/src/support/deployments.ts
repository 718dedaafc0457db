import { decodeDeployment } from '../../../src/deployment/decode.ts';
import type { Deployment } from '../../../src/deployment/deployment.ts';

/** Makes a deployment as Heat writes it, with these inputs. */
export const rawDeployment = (
  inputs: Record<string, unknown> = {},
  over: Record<string, unknown> = {},
): Record<string, unknown> => ({
  id: 'e928abc3-66e7-451d-ae11-d4de370a82b8',
  name: 'config',
  group: 'coe-rotate',
  creation_time: '2026-11-21T00:11:02Z',
  config: '',
  inputs: Object.entries(inputs).map(([name, value]) => ({ name, type: 'String', value })),
  outputs: [],
  options: {},
  ...over,
});

/** Makes a deployment and decodes it. */
export function deployment(
  inputs: Record<string, unknown> = {},
  over: Record<string, unknown> = {},
): Deployment {
  const decoded = decodeDeployment(rawDeployment(inputs, over));
  if (!decoded.ok) throw decoded.error;
  return decoded.deployment;
}

/** The inputs that Heat adds for HEAT_SIGNAL. */
export const HEAT_SIGNAL = {
  deploy_signal_transport: 'HEAT_SIGNAL',
  deploy_stack_id: 'k3/6443f4ad',
  deploy_resource_name: 'rotate',
  deploy_auth_url: 'http://127.0.0.1:5000/v3/',
  deploy_user_id: '85bb',
  deploy_password: 'd^6KrSFL7v1qBv7DV2ip1zO#30*uC^%K',
  deploy_project_id: '9be0',
} as const;
