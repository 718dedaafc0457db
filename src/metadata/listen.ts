import type { Clock } from '../base/clock.ts';
import { AgentError, isNotReady } from '../base/errors.ts';
import type { Retry } from '../base/retry.ts';

/** Calls `ring` when there may be new metadata. */
export type Listen = (ring: () => void, abort: AbortSignal) => Promise<void>;

const PATIENCE = { baseMs: 1000, capMs: 60_000, forMs: Infinity };

/** After a connection of this length, reconnects at once, however it ended. */
const GOOD_MS = 60_000;

/** Pause after a refusal, which is likely to last. */
const REFUSED_MS = 300_000;

/** A notification may arrive before its message is readable. */
const ECHO_MS = 500;

/** Listens until `abort` fires, and reconnects after failures. A failure loses nothing, because the node also polls. */
export async function keepListening(
  listen: Listen,
  ring: () => void,
  hands: { clock: Clock; retry: Retry; refused: (error: AgentError) => void },
  abort: AbortSignal,
): Promise<void> {
  const { clock, retry } = hands;
  const echoing = new Set<Promise<void>>();
  const ringTwice = (): void => {
    ring();
    const echo = clock.sleep(ECHO_MS, abort).then(ring, () => undefined);
    echoing.add(echo);
    void echo.finally(() => echoing.delete(echo));
  };
  while (!abort.aborted)
    try {
      await retry({ code: 'listen', text: 'listen for news' }, PATIENCE, abort, async () => {
        const since = clock.elapsed();
        try {
          await listen(ringTwice, abort);
        } catch (error) {
          if (!isNotReady(error) || clock.elapsed() - since < GOOD_MS) throw error;
        }
      });
    } catch (error) {
      if (abort.aborted) break;
      if (!(error instanceof AgentError)) throw error;
      hands.refused(error);
      await clock.sleep(REFUSED_MS, abort).catch(() => undefined);
    }
  await Promise.all(echoing);
}
