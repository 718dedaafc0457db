import { AgentError, codeOf, explain } from '../base/errors.ts';
import type { SignalTarget } from '../deployment/deployment.ts';
import { postAnswer, type SignalQueue } from './post-answer.ts';
import { putAnswer, type SignalObject } from './put-answer.ts';

type Target<T extends SignalTarget['transport']> = Extract<SignalTarget, { transport: T }>;

/** The transports; each resolves only when the peer has acknowledged. */
export type SignalHands = {
  signalResource(target: Target<'HEAT_SIGNAL'>, body: string, abort: AbortSignal): Promise<void>;
  signalAddress(url: string, verb: 'POST' | 'PUT', body: string, abort: AbortSignal): Promise<void>;
  objectAt(url: string): SignalObject;
  queueOf(target: Target<'ZAQAR_SIGNAL'>): SignalQueue;
  sleep(ms: number, abort: AbortSignal): Promise<void>;
};

/** Sends one result. A rejected promise means that it was not acknowledged. */
export async function sendSignal(
  target: SignalTarget,
  body: string,
  hands: SignalHands,
  abort: AbortSignal,
): Promise<void> {
  switch (target.transport) {
    case 'NO_SIGNAL':
      return;
    case 'CFN_SIGNAL':
      await byAddress(target, body, hands, abort, async () => {
        await hands.signalAddress(target.url, target.verb, body, abort);
      });
      return;
    case 'TEMP_URL_SIGNAL':
      await byAddress(target, body, hands, abort, async () => {
        await putAnswer(target, body, hands.objectAt(target.url), hands.sleep, abort);
      });
      return;
    case 'ZAQAR_SIGNAL':
      await postAnswer(body, hands.queueOf(target), abort);
      return;
    case 'HEAT_SIGNAL':
      await hands.signalResource(target, body, abort);
  }
}

/**
 * Sends to an address that carries its own authorization. That expires, so falls back to HEAT_SIGNAL if the deployment
 * allows it.
 */
async function byAddress(
  target: Target<'CFN_SIGNAL' | 'TEMP_URL_SIGNAL'>,
  body: string,
  hands: SignalHands,
  abort: AbortSignal,
  send: () => Promise<void>,
): Promise<void> {
  try {
    await send();
  } catch (error) {
    const isRefused = codeOf(error) === 'cloud-refused' || codeOf(error) === 'unauthorized';
    // For example a redirect: nothing at that address has accepted the result.
    const isNoAnswer = codeOf(error) === 'bad-answer';
    if (target.fallback && (isRefused || isNoAnswer))
      await hands.signalResource(target.fallback, body, abort);
    else if (isRefused)
      throw new AgentError(
        'cloud-refused',
        `${whyRefused(target)}, and the deployment has no other transport: ${explain(error)}`,
        { cause: error, reason: 'signal-address-refused' },
      );
    else throw error;
  }
}

function whyRefused({ transport, url }: Target<'CFN_SIGNAL' | 'TEMP_URL_SIGNAL'>): string {
  if (transport === 'CFN_SIGNAL') return 'the pre-signed address was refused; its timestamp may be too old';
  const [, expires] = /[?&]temp_url_expires=(\d+)/.exec(url) ?? [];
  const until = expires === undefined ? '' : `, valid until ${isoSeconds(Number(expires))},`;
  return `the temporary address${until} was refused; it has expired, or Swift's key has changed`;
}

/** Converts seconds since the epoch to ISO 8601; returns them unchanged if they are not a valid date. */
const isoSeconds = (seconds: number): string =>
  Math.abs(seconds) < 8e12 ? new Date(seconds * 1000).toISOString() : String(seconds);
