import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Means, seePeer } from '../../../agent/peers/see-peer.ts';
import type { Handshake } from '../../../src/services/peer-port.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { NEVER } from '../../src/support/clock.ts';

const [served, former, foreign] = ['a', 'a', 'a'].map((name) => createClusterCa(name));
type Ca = typeof served;
const certificate = (ca: Ca): X509Certificate => new X509Certificate(ca?.pem ?? '');
const leafOf = (ca: Ca): X509Certificate => new X509Certificate(ca?.issue([['CN', 'peer']]).cert ?? '');

const means: Means = {
  served: certificate(served),
  trusted: [certificate(former), certificate(served)],
  own: { certificate: 'own', key: '' },
  probe: { certificate: 'probe', key: '' },
};

type Port = { presents: Ca; probe: Handshake['accepts']; own?: Handshake['accepts'] } | 'silent';

/** Probes a peer with these ports. */
const see = async (...ports: Port[]) =>
  await seePeer(
    {
      name: 'm1',
      isMaster: true,
      ports: ports.map((_, port) => ({ host: '10.0.0.6', port, path: '/', ca: 'kubernetes' })),
    },
    { kubernetes: means },
    {
      askPeer: async ({ port }, { certificate: who }) => {
        const one = ports[port];
        if (one === undefined || one === 'silent') return await Promise.resolve(undefined);
        return { presents: leafOf(one.presents), accepts: who === 'probe' ? one.probe : (one.own ?? 'yes') };
      },
    },
    NEVER,
  );

test('distinguishes a peer that is as far from one that is behind', async () => {
  expect(await see({ presents: served, probe: 'yes' })).toEqual({
    presents: 'served',
    acceptsServed: true,
    acceptsOwn: true,
  });
  expect(await see({ presents: former, probe: 'no' })).toEqual({
    presents: 'former',
    acceptsServed: false,
    acceptsOwn: true,
  });
});

test('judges a peer by the last of its ports', async () => {
  expect(await see({ presents: served, probe: 'yes' }, { presents: former, probe: 'no' })).toEqual({
    presents: 'former',
    acceptsServed: false,
    acceptsOwn: true,
  });
});

test('treats a silent port beside an answering one as behind', async () => {
  expect(await see({ presents: served, probe: 'yes' }, 'silent')).toEqual({
    presents: 'former',
    acceptsServed: false,
    acceptsOwn: true,
  });
});

test('treats only a rejection as one', async () => {
  expect(await see({ presents: foreign, probe: 'no', own: 'no' })).toEqual({
    presents: 'refused',
    acceptsServed: false,
    acceptsOwn: false,
  });
  expect(await see({ presents: foreign, probe: 'unknown', own: 'unknown' })).toMatchObject({
    acceptsServed: false,
    acceptsOwn: true,
  });
});

test('knows nothing about a peer that does not answer', async () => {
  expect(await see('silent', 'silent')).toBeUndefined();
});
