import { AgentError } from '../base/errors.ts';
import { numberField, readFields } from './protobuf.ts';

/** Calls the own member: method and message, as `CallEtcd` has them. */
type Ask = (method: string, message: Buffer) => Promise<Buffer>;

const NOTHING = Buffer.alloc(0);

/**
 * Has a member of etcd hand its leadership to another one, if it leads (rpc.proto of etcd 3.3 to 3.5: MoveLeader, which
 * the leader alone serves). It returns when the other one leads.
 *
 * @param to the names of the members that may lead, the preferred one first
 * @returns the name of the new leader; undefined: this member does not lead
 * @throws `precondition` when none of them is a member; what `ask` throws
 */
export async function handLeadershipOver(to: readonly string[], ask: Ask): Promise<string | undefined> {
  const status = readFields(await ask('Maintenance/Status', NOTHING));
  const [own] = readFields(bytes(status.get(1)?.[0])).get(2) ?? [];
  const [leader] = status.get(4) ?? [];
  if (own === undefined || own !== leader) return undefined;
  const members = new Map(
    (readFields(await ask('Cluster/MemberList', NOTHING)).get(2) ?? []).map((member) => {
      const fields = readFields(bytes(member));
      return [bytes(fields.get(2)?.[0]).toString('utf8'), fields.get(1)?.[0]] as const;
    }),
  );
  const name = to.find((one) => typeof members.get(one) === 'bigint');
  const id = name === undefined ? undefined : members.get(name);
  if (name === undefined || typeof id !== 'bigint')
    throw new AgentError('precondition', 'no other member of etcd is well', { reason: 'no-member' });
  await ask('Maintenance/MoveLeader', numberField(1, id));
  return name;
}

const bytes = (value: bigint | Buffer | undefined): Buffer => (Buffer.isBuffer(value) ? value : NOTHING);
