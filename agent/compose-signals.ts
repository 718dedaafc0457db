import type { Clock } from '../src/base/clock.ts';
import type { Heat } from '../src/openstack/heat.ts';
import type { Http } from '../src/openstack/http.ts';
import type { Keystone, Login } from '../src/openstack/keystone.ts';
import { createSwift } from '../src/openstack/swift.ts';
import { createZaqar } from '../src/openstack/zaqar.ts';
import type { SignalHands } from '../src/signal/send.ts';

/** The ways out, part of the composition root. Tokens are the logins' own, and used again while they are valid. */
export function openSignals(hands: {
  http: Http;
  keystone: Keystone;
  heat: Heat;
  clock: Clock;
}): SignalHands {
  const { http, keystone, heat, clock } = hands;
  const [swift, zaqar] = [createSwift(http), createZaqar(http)];
  return {
    sleep: clock.sleep,
    signalAddress: heat.signalAddress,
    signalResource: async (target, body, signal) => {
      await keystone.authorized(loginOf(target), signal, async (session) => {
        await heat.signalResource(session, target, body, signal);
      });
    },
    objectAt: (url) => ({
      changedAt: async (signal) => await swift.changedAt(url, signal),
      put: async (body, signal) => {
        await swift.put(url, body, signal);
      },
    }),
    queueOf: (target) => {
      const login = loginOf(target);
      return {
        list: async (signal) =>
          await keystone.authorized(
            login,
            signal,
            async (session) => await zaqar.list(session, target, signal),
          ),
        remove: async (ids, signal) => {
          await keystone.authorized(login, signal, async (session) => {
            await zaqar.remove(session, target, { ids }, signal);
          });
        },
        post: async (body, ttl, signal) => {
          await keystone.authorized(login, signal, async (session) => {
            await zaqar.post(session, target, body, ttl, signal);
          });
        },
      };
    },
  };
}

/** The user that a deployment brought along. */
const loginOf = (target: {
  authUrl: string;
  userId: string;
  password: string;
  projectId: string;
  region?: string | undefined;
}): Login => ({
  authUrl: target.authUrl,
  userId: target.userId,
  password: target.password,
  scope: { projectId: target.projectId },
  region: target.region,
});
