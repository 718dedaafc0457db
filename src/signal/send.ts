import { AgentError, codeOf, explain } from '../base/errors.ts';
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
      await signalAddress(target, body, hands, signal);
      return;
    case 'HEAT_SIGNAL':
      await hands.signalResource(target, body, signal);
  }
}

async function signalAddress(
  { url, verb, fallback }: Target<'CFN_SIGNAL'>,
  body: string,
  hands: SignalHands,
  signal: AbortSignal,
): Promise<void> {
  try {
    await hands.signalAddress(url, verb, body, signal);
  } catch (error) {
    if (codeOf(error) !== 'cloud-refused' && codeOf(error) !== 'unauthorized') throw error;
    if (fallback) await hands.signalResource(fallback, body, signal);
    else
      throw new AgentError(
        'cloud-refused',
        `the pre-signed address is refused, as it is once its time stamp is too old, and the deployment names no other way: ${explain(error)}`,
        { cause: error },
      );
  }
}
