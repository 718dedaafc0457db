import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttp } from '../../src/openstack/http.ts';
import { readStackOutputs, type StackOutputs } from '../../src/openstack/stack-outputs.ts';
import { faultIn } from '../src/support/outcome-of.ts';
import type { Coordinates } from './coordinates.ts';
import { type Doors, openDoors, settled } from './doors.ts';
import { answerWith, PLAIN, rotate } from './rotate-and-answer.ts';

/**
 * What Heat makes of the output `coe_report` of a deployment. The stack has the output `coe_fleet`, a map from servers
 * to that attribute of their deployments.
 */
export function stackOutputsContract(
  name: string,
  connect: () => Promise<{ at: Coordinates; close(): Promise<void> }>,
): void {
  describe(`${name}, outputs of a stack`, () => {
    let at: Coordinates;
    let doors: Doors;
    let close: () => Promise<void>;
    const http = createHttp(PLAIN);
    beforeAll(async () => {
      ({ at, close } = await connect());
      doors = openDoors(at);
    });
    afterAll(async () => {
      doors.close();
      http.close();
      await close();
    });

    /** The stack has the name of the cluster. */
    const read = async (stack = at.cluster.name): Promise<StackOutputs> =>
      await readStackOutputs(http, await doors.trusted(), stack, doors.abort);
    const fleet = (value: unknown) => ({
      name: at.cluster.name,
      outputs: [{ name: 'coe_fleet', value: { [at.servers[0].name]: value }, error: undefined }],
    });
    const report = { version: 1, agent: '0.1.0', cas: ['aa'], waits: { why: 'stuck', for: ['r1'] } };

    test('a deployment that has not been answered has no value', async () => {
      expect(await read()).toEqual(fleet(null));
    });

    test('a stack is found by its name, its id, and both', async () => {
      const stackId = doors.poller.stack_id;
      const [, id = ''] = stackId.split('/');
      expect(await read(id)).toEqual(fleet(null));
      expect(await read(stackId)).toEqual(fleet(null));
    });

    test('an unknown stack and an invalid token are rejected', async () => {
      expect(await faultIn(read('no-such-stack'))).toEqual({ code: 'cloud-refused', reason: 'http-404' });
      const session = { ...(await doors.trusted()), token: 'none' };
      const refused = readStackOutputs(http, session, at.cluster.name, doors.abort);
      expect(await faultIn(refused)).toMatchObject({ code: 'unauthorized' });
    });

    test('a report in the answer is the value, as an object', async () => {
      const waiting = await rotate(at, http, doors.metadata);
      await answerWith(waiting, { deploy_status_code: 0, coe_report: report }, 'UPDATE_COMPLETE');
      expect(await read()).toEqual(fleet(report));
    });

    test('an answer without a report leaves the former one', async () => {
      await settled(doors);
      await answerWith(await rotate(at, http, doors.metadata), {}, 'UPDATE_COMPLETE');
      expect(await read()).toEqual(fleet(report));
    });
  });
}
