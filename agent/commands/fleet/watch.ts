import type { Clock } from '../../../src/base/clock.ts';
import { codeOf, isNotReady } from '../../../src/base/errors.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';

const EVERY_MS = 5000;

/**
 * Repeats `look` until a person stops it.
 *
 * @param failed reports that the API does not answer; the next look tries again
 * @returns the exit code of the last look
 * @throws the error when the API rejects the request
 */
export async function watch(
  look: () => Promise<ExitCode>,
  failed: (error: unknown) => void,
  clock: Pick<Clock, 'sleep'>,
  stopping: AbortSignal,
): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  try {
    for (;;) {
      try {
        code = await look();
      } catch (error) {
        if (!isNotReady(error)) throw error;
        code = EXIT.cloudNotReady;
        failed(error);
      }
      await clock.sleep(EVERY_MS, stopping);
    }
  } catch (error) {
    if (codeOf(error) !== 'aborted') throw error;
    return code;
  }
}
