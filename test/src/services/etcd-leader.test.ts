import { expect, test } from 'vitest';
import { handLeadershipOver } from '../../../src/services/etcd-leader.ts';
import { numberField } from '../../../src/services/protobuf.ts';
import { faultIn } from '../support/outcome-of.ts';

/** A message within another one, or a text. */
const bytesField = (field: number, bytes: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from([(field << 3) | 2, Buffer.from(bytes).length]), Buffer.from(bytes)]);

const IDS = [0x8000_0000_0000_0001n, 2n, 3n];

/** The member m0 of three, which are led by one of them. */
function member(leader: bigint) {
  const calls: [string, string][] = [];
  const members = IDS.map((id, index) =>
    bytesField(2, Buffer.concat([numberField(1, id), bytesField(2, `m${index}`)])),
  );
  const ask = async (method: string, message: Buffer): Promise<Buffer> => {
    calls.push([method, message.toString('hex')]);
    const header = bytesField(1, numberField(2, IDS[0] ?? 0n));
    if (method === 'Maintenance/Status')
      return await Promise.resolve(Buffer.concat([header, numberField(4, leader)]));
    return await Promise.resolve(Buffer.concat([header, ...members]));
  };
  return { calls, ask };
}

test('hands over to the first of the named members', async () => {
  const { calls, ask } = member(IDS[0] ?? 0n);
  expect(await handLeadershipOver(['gone', 'm2', 'm1'], ask)).toBe('m2');
  expect(calls).toEqual([
    ['Maintenance/Status', ''],
    ['Cluster/MemberList', ''],
    ['Maintenance/MoveLeader', '0803'],
  ]);
});

test('does nothing on a member that does not lead', async () => {
  const { calls, ask } = member(2n);
  expect(await handLeadershipOver(['m1'], ask)).toBeUndefined();
  expect(calls).toHaveLength(1);
});

test('does nothing where the answer says nothing', async () => {
  expect(
    await handLeadershipOver(['m1'], async () => await Promise.resolve(Buffer.alloc(0))),
  ).toBeUndefined();
});

test('rejects names that no member has', async () => {
  const { ask } = member(IDS[0] ?? 0n);
  expect(await faultIn(handLeadershipOver(['gone'], ask))).toEqual({
    code: 'precondition',
    reason: 'no-member',
  });
});
