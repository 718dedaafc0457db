import type { SignalTarget } from '../deployment/deployment.ts';

type Target<T extends SignalTarget['transport']> = Extract<SignalTarget, { transport: T }>;

/** The ways out to the cloud; each resolves only when the other side has acknowledged. */
export type SignalHands = {
  signalResource(target: Target<'HEAT_SIGNAL'>, body: string, signal: AbortSignal): Promise<void>;
  signalAddress(url: string, verb: 'POST' | 'PUT', body: string, signal: AbortSignal): Promise<void>;
};

/** Sends one result; a rejected promise means that nobody has acknowledged it. */
export async function sendSignal(
  target: SignalTarget,
  body: string,
  hands: SignalHands,
  signal: AbortSignal,
): Promise<void> {
  switch (target.transport) {
    case 'NO_SIGNAL':
      return;
    case 'CFN_SIGNAL':
      await hands.signalAddress(target.url, target.verb, body, signal);
      return;
    case 'HEAT_SIGNAL':
      await hands.signalResource(target, body, signal);
  }
}
