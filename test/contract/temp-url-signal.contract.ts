import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttp } from '../../src/openstack/http.ts';
import { createSwift } from '../../src/openstack/swift.ts';
import { agentErrorOf } from '../src/support/outcome-of.ts';
import type { Coordinates } from './coordinates.ts';
import { eventually, openDoors } from './doors.ts';
import { answerWith, PLAIN, rotate, type Waiting } from './rotate-and-answer.ts';

/** Requirements of TEMP_URL_SIGNAL on Swift and Heat, with a cluster of one server. */
export function tempUrlSignalContract(
  name: string,
  connect: () => Promise<{ at: Coordinates; close(): Promise<void> }>,
): void {
  describe(`${name}, answered at a temporary URL`, () => {
    let at: Coordinates;
    let close: () => Promise<void>;
    let waiting: Waiting;
    const { signal: abort } = new AbortController();
    const http = createHttp(PLAIN);
    const swift = createSwift(http);
    beforeAll(async () => {
      ({ at, close } = await connect());
      const doors = openDoors(at);
      waiting = await rotate(at, http, doors.metadata);
      doors.close();
    });
    afterAll(async () => {
      http.close();
      await close();
    });
    const url = (): string => waiting.inputs['deploy_signal_id'] ?? '';

    test('the address allows PUT and HEAD only', async () => {
      expect(waiting.inputs).toMatchObject({
        deploy_signal_transport: 'TEMP_URL_SIGNAL',
        deploy_signal_verb: 'PUT',
      });
      expect(await swift.changedAt(url(), abort)).toBeTypeOf('number');
      expect((await fetch(url())).status).toBe(401);
    });

    test('a modified or expired address is rejected', async () => {
      for (const altered of [
        url().replace(/temp_url_sig=[^&]*/, `temp_url_sig=${'0'.repeat(64)}`),
        url().replace(/temp_url_expires=\d+/, 'temp_url_expires=1'),
        url().replace(/[^/]*\?/, 'other?'),
      ]) {
        const error = await agentErrorOf(swift.put(altered, '{}', abort));
        expect(error).toMatchObject({ code: 'unauthorized', reason: 'http-401' });
        expect(error.message).toContain('Unauthorized: Temp URL invalid');
        expect(await swift.changedAt(altered, abort)).toBeUndefined();
      }
    });

    test('an answer is accepted at any time, and its date is in whole seconds', async () => {
      await answerWith(waiting, { deploy_status_code: 0 }, 'UPDATE_COMPLETE');
      const changed = await swift.changedAt(url(), abort);
      expect((changed ?? 1) % 1000).toBe(0);
    });

    test('the same address accepts the next answer, also a failure', async () => {
      const doors = openDoors(at);
      // Swift rounds up: until then, Heat would take the former answer for one to a new deployment.
      const changed = (await swift.changedAt(url(), abort)) ?? 0;
      await eventually(
        async () => await Promise.resolve(Date.now()),
        (now) => now >= changed,
        'the next second',
      );
      const next = await rotate(at, http, doors.metadata);
      expect(next.inputs['deploy_signal_id']).toBe(url());
      await answerWith(next, { deploy_status_code: 1, deploy_stderr: 'no' }, 'ROLLBACK_COMPLETE');
      doors.close();
    });

    test('the roll-back has replaced the deployment: its container is gone, and a PUT fails', async () => {
      // Heat reports the end of the roll-back before Swift has deleted the container everywhere.
      await eventually(
        async () => await swift.changedAt(url(), abort),
        (changed) => changed === undefined,
        'the container to be gone',
      );
      const error = await agentErrorOf(swift.put(url(), '{}', abort));
      expect(error).toMatchObject({ code: 'cloud-refused', reason: 'http-404' });
      expect(await swift.changedAt(url(), abort)).toBeUndefined();
    });
  });
}
