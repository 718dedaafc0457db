import type { Clock } from '../../src/base/clock.ts';
import type { Heat } from '../../src/openstack/heat.ts';
import type { Http } from '../../src/openstack/http.ts';
import type { Keystone } from '../../src/openstack/keystone.ts';
import { createSwift } from '../../src/openstack/swift.ts';
import type { Zaqar } from '../../src/openstack/zaqar.ts';
import type { SignalHands } from '../../src/signal/send.ts';
import { loginOf, openQueue } from './queue.ts';

/** Builds the ways to send signals; part of the composition root. Reuses the token of a login while it is valid. */
export function openSignals(hands: {
  http: Http;
  clock: Clock;
  keystone: Keystone;
  heat: Heat;
  zaqar: Zaqar;
}): SignalHands {
  const { http, clock, keystone, heat, zaqar } = hands;
  const swift = createSwift(http);
  return {
    sleep: clock.sleep,
    signalAddress: heat.signalAddress,
    signalResource: async (target, body, abort) => {
      await keystone.authorized(loginOf(target), abort, async (session) => {
        await heat.signalResource(session, target, body, abort);
      });
    },
    objectAt: (url) => ({
      changedAt: async (abort) => await swift.changedAt(url, abort),
      put: async (body, abort) => {
        await swift.put(url, body, abort);
      },
    }),
    queueOf: (target) => openQueue(target, keystone, zaqar),
  };
}
