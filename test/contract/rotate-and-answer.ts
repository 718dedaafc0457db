import type * as v from 'valibot';
import { expect } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createSecrets } from '../../src/base/secrets.ts';
import { createHeat } from '../../src/openstack/heat.ts';
import type { Http, HttpOptions } from '../../src/openstack/http.ts';
import { createKeystone } from '../../src/openstack/keystone.ts';
import type { Place } from './coordinates.ts';
import { eventually, inputsOf, type Metadata } from './doors.ts';

export const PLAIN: HttpOptions = {
  deadlineMs: 120_000,
  ca: () => undefined,
  verify: true,
  proxy: { http: undefined, https: undefined, no: undefined },
};

/** Rotates the CA of a cluster, waits until its deployment is in the metadata, and answers by CFN_SIGNAL. */
export async function rotateAndAnswer(
  at: v.InferOutput<typeof Place>,
  http: Http,
  metadata: () => Promise<v.InferOutput<typeof Metadata>>,
): Promise<void> {
  const { signal } = new AbortController();
  const params = at.heat_params;
  const keystone = createKeystone({ http, clock: systemClock, secrets: createSecrets() });
  const trust = {
    authUrl: params.AUTH_URL,
    userId: params.TRUSTEE_USER_ID,
    password: params.TRUSTEE_PASSWORD,
    scope: { trustId: params.TRUST_ID },
    region: params.REGION_NAME,
  };
  const { token } = await keystone.login(trust, signal);
  const rotated = await fetch(`${params.MAGNUM_URL}/certificates/${at.cluster.uuid}`, {
    method: 'PATCH',
    headers: { 'X-Auth-Token': token, 'OpenStack-API-Version': 'container-infra latest' },
  });
  expect(rotated.status).toBe(202);
  const { deployments } = await eventually(metadata, (one) => one.deployments.length > 0, 'a deployment');
  const [deployment] = deployments;
  const inputs = deployment ? inputsOf(deployment) : {};
  expect(inputs).toMatchObject({ deploy_action: 'UPDATE', deploy_signal_transport: 'CFN_SIGNAL' });
  await createHeat(http).signalAddress(inputs['deploy_signal_id'] ?? '', 'POST', '{}', signal);
}
