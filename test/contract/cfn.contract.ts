import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf } from '../../src/base/errors.ts';
import { createSecrets } from '../../src/base/secrets.ts';
import { cfnCollector } from '../../src/metadata/cfn.ts';
import { createCfn } from '../../src/openstack/cfn.ts';
import { createHttp } from '../../src/openstack/http.ts';
import { Place } from './coordinates.ts';
import { Metadata } from './doors.ts';
import { PLAIN, rotateAndAnswer } from './rotate-and-answer.ts';

/** A cluster of one server with POLL_SERVER_CFN and CFN_SIGNAL. */
export const CfnCoordinates = v.object({
  ...Place.entries,
  servers: v.tupleWithRest(
    [
      v.object({
        name: v.string(),
        os_collect_config: v.object({
          collectors: v.array(v.string()),
          cfn: v.object({
            metadata_url: v.string(),
            access_key_id: v.string(),
            secret_access_key: v.string(),
            stack_name: v.string(),
            path: v.string(),
          }),
        }),
      }),
    ],
    v.unknown(),
  ),
});
export type CfnCoordinates = v.InferOutput<typeof CfnCoordinates>;

/** Requirements of the collector `cfn` on a cloud, tested with the agent's own clients. */
export function cfnContract(
  name: string,
  connect: () => Promise<{ at: CfnCoordinates; close(): Promise<void> }>,
): void {
  describe(`${name}, polled over CFN`, () => {
    let at: CfnCoordinates;
    let close: () => Promise<void>;
    const { signal: abort } = new AbortController();
    const http = createHttp(PLAIN);
    const secrets = createSecrets();
    beforeAll(async () => {
      ({ at, close } = await connect());
    });
    afterAll(async () => {
      http.close();
      await close();
    });

    /** Collects with a configuration that differs from the server's in these keys. */
    const collect = async (changes: Record<string, string> = {}): Promise<string[]> => {
      const section = { ...at.servers[0].os_collect_config.cfn, ...changes };
      const cfn = createCfn({ http, secrets });
      const key = { id: section.access_key_id, secret: section.secret_access_key };
      const collector = cfnCollector(
        async (of, stop) =>
          await cfn.readField(section.metadata_url, { stackName: section.stack_name, ...of }, key, stop),
        [section.path],
      );
      return (await collector.collect(abort)).map(({ text }) => text);
    };
    const metadata = async (): Promise<v.InferOutput<typeof Metadata>> =>
      v.parse(Metadata, JSON.parse((await collect())[0] ?? ''));

    test("the server's metadata repeats how to poll, and has no deployments at first", async () => {
      expect(await metadata()).toEqual({
        deployments: [],
        'os-collect-config': at.servers[0].os_collect_config,
      });
    });

    test('a part of the metadata can be read by path', async () => {
      const { name: server, os_collect_config: section } = at.servers[0];
      const [text = ''] = await collect({ path: `${server}.Metadata.os-collect-config.cfn` });
      expect(JSON.parse(text)).toEqual(section.cfn);
    });

    test.each([
      ['another secret', { secret_access_key: 'x'.repeat(32) }],
      ['an unknown access key', { access_key_id: '0'.repeat(32) }],
      ["another resource than the server's own", { path: 'nope.Metadata' }],
      ['another stack', { stack_name: 'nope' }],
    ])('%s is rejected', async (_what, changes) => {
      const refusal = collect(changes).then(() => 'no error', codeOf);
      expect(await refusal).toBe('cloud-refused');
    });

    test('a new deployment arrives and can be answered', async () => {
      await rotateAndAnswer(at, http, metadata);
    });
  });
}
