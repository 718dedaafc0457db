import * as v from 'valibot';
import { expect } from 'vitest';
import { openSignals } from '../../agent/compose/signals.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createSecrets } from '../../src/base/secrets.ts';
import { decodeDeployment } from '../../src/deployment/decode.ts';
import type { SignalTarget } from '../../src/deployment/deployment.ts';
import { createHeat } from '../../src/openstack/heat.ts';
import type { Http, HttpOptions } from '../../src/openstack/http.ts';
import { createKeystone } from '../../src/openstack/keystone.ts';
import { createZaqar } from '../../src/openstack/zaqar.ts';
import { sendSignal, type SignalHands } from '../../src/signal/send.ts';
import type { Place } from './coordinates.ts';
import { eventually, inputsOf, type Metadata } from './doors.ts';

export const PLAIN: HttpOptions = {
  deadlineMs: 120_000,
  ca: () => undefined,
  verify: true,
  proxy: { http: undefined, https: undefined, no: undefined },
};

const StackBody = v.object({ stack: v.object({ stack_status: v.string() }) });
const { signal: abort } = new AbortController();

/** A deployment that waits for its answer, in some cloud. */
export type Waiting = {
  inputs: Record<string, string>;
  target: SignalTarget;
  signals: SignalHands;
  stackStatus(): Promise<string>;
};

/** Rotates the CA of a cluster and waits until a new deployment is in the metadata. */
export async function rotate(
  at: v.InferOutput<typeof Place>,
  http: Http,
  metadata: () => Promise<v.InferOutput<typeof Metadata>>,
): Promise<Waiting> {
  const params = at.heat_params;
  const keystone = createKeystone({ http, clock: systemClock, secrets: createSecrets() });
  const trust = {
    authUrl: params.AUTH_URL,
    userId: params.TRUSTEE_USER_ID,
    password: params.TRUSTEE_PASSWORD,
    scope: { trustId: params.TRUST_ID },
    region: params.REGION_NAME,
  };
  const known = (await metadata()).deployments.map(({ id }) => id);
  const session = await keystone.login(trust, abort);
  const headers = { 'X-Auth-Token': session.token };
  const url = `${params.MAGNUM_URL}/certificates/${at.cluster.uuid}`;
  const asked = {
    method: 'PATCH',
    headers: { ...headers, 'OpenStack-API-Version': 'container-infra latest' },
  };
  // Magnum refuses until it has seen the end of the stack's former update.
  await eventually(
    async () => (await fetch(url, asked)).status,
    (status) => status === 202,
    'Magnum to accept the rotation',
  );
  const fresh = await eventually(
    async () => (await metadata()).deployments.find(({ id }) => !known.includes(id)),
    (one) => one !== undefined,
    'a deployment',
  );
  const decoded = decodeDeployment(fresh);
  if (!fresh || !decoded.ok) throw new Error('the deployment cannot be understood');
  const inputs = inputsOf(fresh);
  return {
    inputs,
    target: decoded.deployment.signal,
    signals: openSignals({
      http,
      clock: systemClock,
      keystone,
      heat: createHeat(http),
      zaqar: createZaqar(http),
    }),
    stackStatus: async () => {
      const url = `${session.endpoint('orchestration')}/stacks/${inputs['deploy_stack_id'] ?? ''}`;
      return v.parse(StackBody, await (await fetch(url, { headers })).json()).stack.stack_status;
    },
  };
}

/** Answers like the agent, and waits until Heat has accepted the answer. */
export async function answerWith(waiting: Waiting, body: unknown, status: string): Promise<void> {
  await sendSignal(waiting.target, JSON.stringify(body), waiting.signals, abort);
  await eventually(waiting.stackStatus, (one) => one === status, status);
}

/** Rotates the CA of a cluster, waits until its deployment is in the metadata, and answers by CFN_SIGNAL. */
export async function rotateAndAnswer(
  at: v.InferOutput<typeof Place>,
  http: Http,
  metadata: () => Promise<v.InferOutput<typeof Metadata>>,
): Promise<void> {
  const waiting = await rotate(at, http, metadata);
  expect(waiting.inputs).toMatchObject({
    deploy_action: 'UPDATE',
    deploy_signal_transport: 'CFN_SIGNAL',
  });
  await answerWith(waiting, {}, 'UPDATE_COMPLETE');
}
