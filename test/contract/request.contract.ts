import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSecrets } from '../../src/base/secrets.ts';
import { requestCollector } from '../../src/metadata/temp-url-collector.ts';
import { createHttp, type HttpRequest } from '../../src/openstack/http.ts';
import { createTempUrl } from '../../src/openstack/temp-url.ts';
import { agentErrorOf } from '../src/support/outcome-of.ts';
import { Place } from './coordinates.ts';
import { Metadata } from './doors.ts';
import { PLAIN, rotateAndAnswer } from './rotate-and-answer.ts';

/** A cluster of one server with POLL_TEMP_URL and CFN_SIGNAL. */
export const RequestCoordinates = v.object({
  ...Place.entries,
  servers: v.tupleWithRest(
    [
      v.object({
        name: v.string(),
        os_collect_config: v.object({
          collectors: v.array(v.string()),
          request: v.object({ metadata_url: v.string() }),
        }),
      }),
    ],
    v.unknown(),
  ),
});
export type RequestCoordinates = v.InferOutput<typeof RequestCoordinates>;

/** Requirements of the collector `request` on Heat and its object store. */
export function requestContract(
  name: string,
  connect: () => Promise<{ at: RequestCoordinates; close(): Promise<void> }>,
): void {
  describe(`${name}, polled at a temporary URL`, () => {
    let at: RequestCoordinates;
    let close: () => Promise<void>;
    const { signal: abort } = new AbortController();
    const http = createHttp(PLAIN);
    const asked: { method: string; status: number }[] = [];
    const watched = async (request: HttpRequest) => {
      const answer = await http(request);
      asked.push({ method: request.method, status: answer.status });
      return answer;
    };
    const open = (url: string) => createTempUrl(url, { http: watched, secrets: createSecrets() });
    const url = (): string => at.servers[0].os_collect_config.request.metadata_url;
    beforeAll(async () => {
      ({ at, close } = await connect());
    });
    afterAll(async () => {
      http.close();
      await close();
    });

    const collecting = (): (() => Promise<v.InferOutput<typeof Metadata>>) => {
      const collector = requestCollector(open(url()));
      return async () => {
        const [collected] = await collector.collect(abort);
        return v.parse(Metadata, JSON.parse(collected?.text ?? ''));
      };
    };

    test("the server's metadata repeats how to poll, and has no deployments at first", async () => {
      expect(await collecting()()).toEqual({
        deployments: [],
        'os-collect-config': at.servers[0].os_collect_config,
      });
    });

    test('unchanged metadata is not fetched again', async () => {
      const metadata = collecting();
      const first = await metadata();
      asked.length = 0;
      expect(await metadata()).toEqual(first);
      expect(asked).toEqual([{ method: 'HEAD', status: 200 }]);
    });

    test('a GET conditional on the present version is answered by 304', async () => {
      const object = open(url());
      const read = await object.read(undefined, abort);
      const { modified, tag } = read.version;
      expect(modified).toBeTypeOf('number');
      asked.length = 0;
      expect((await object.read({ modified, tag: undefined }, abort)).text).toBeUndefined();
      expect((await object.read({ modified: undefined, tag }, abort)).text).toBeUndefined();
      expect(asked.map(({ method, status }) => `${method} ${status}`)).toEqual(['GET 304', 'GET 304']);
    });

    test('a modified or expired address is rejected', async () => {
      for (const altered of [
        url().replace(/temp_url_sig=[^&]*/, `temp_url_sig=${'0'.repeat(64)}`),
        url().replace(/temp_url_expires=\d+/, 'temp_url_expires=1'),
        url().replace(/[^/]*\?/, 'other?'),
      ]) {
        const error = await agentErrorOf(open(altered).read(undefined, abort));
        expect(error).toMatchObject({ code: 'cloud-refused', reason: 'address-expired' });
        expect(error.message).not.toContain('temp_url_sig');
      }
    });

    test('a new deployment arrives and can be answered', async () => {
      const metadata = collecting();
      await metadata();
      await rotateAndAnswer(at, http, metadata);
    });
  });
}
