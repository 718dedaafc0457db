import type { X509Certificate } from 'node:crypto';
import { allSettled } from '../../src/base/all-settled.ts';
import type { ClientIdentity } from '../../src/services/health.ts';
import type { Handshake } from '../../src/services/peer-port.ts';
import type { Hands } from '../hands.ts';
import { signerOf } from '../../src/certificates/read.ts';
import type { Seen } from '../phases/decide.ts';
import type { PeerCa } from './clients.ts';
import type { KnownPeer, KnownPort } from '../phases/record.ts';

/** The certificates to verify a peer with and to present to it, by the CA of the port. */
export type Means = {
  served: X509Certificate;
  /** The CAs that this node trusts now. */
  trusted: readonly X509Certificate[];
  own: ClientIdentity;
  /** A client certificate of the served CA. */
  probe: ClientIdentity;
};

/**
 * Determines by handshakes what a peer presents and accepts. If only some of its ports answer, the others count as
 * still using the former CA.
 *
 * @returns undefined when none of its ports answers
 */
export async function seePeer(
  { ports }: KnownPeer,
  means: Partial<Record<PeerCa, Means>>,
  { askPeer }: Pick<Hands, 'askPeer'>,
  abort: AbortSignal,
): Promise<Seen | undefined> {
  const asked: { seen: Seen | undefined }[] = [];
  await allSettled(ports, async (port) => {
    const by = means[port.ca];
    if (by) asked.push({ seen: await seePort(port, by, askPeer, abort) });
  });
  if (asked.every(({ seen }) => seen === undefined)) return undefined;
  const all = asked.map(({ seen }) => seen ?? BEHIND);
  const presents = all.map((one) => one.presents);
  const acceptsServed = all.every((one) => one.acceptsServed);
  return {
    presents: presents.includes('former') ? 'former' : presents.includes('refused') ? 'refused' : 'served',
    acceptsServed,
    acceptsOwn: acceptsServed || all.some((one) => one.acceptsOwn && !one.acceptsServed),
  };
}

const BEHIND: Seen = { presents: 'former', acceptsServed: false, acceptsOwn: true };

async function seePort(
  port: KnownPort,
  { served, trusted, own, probe }: Means,
  askPeer: Hands['askPeer'],
  abort: AbortSignal,
): Promise<Seen | undefined> {
  const shown = await askPeer(port, probe, abort);
  if (!shown) return undefined;
  const acceptsServed = shown.accepts === 'yes';
  // The answer to the present certificate only matters if the port rejects the probe.
  const now: Handshake | undefined = acceptsServed ? undefined : await askPeer(port, own, abort);
  const { presents } = shown;
  return {
    presents: presents.verify(served.publicKey)
      ? 'served'
      : signerOf(presents, trusted)
        ? 'former'
        : 'refused',
    acceptsServed,
    acceptsOwn: now?.accepts !== 'no',
  };
}
