import { expect, test } from 'vitest';
import { handOver } from '../../../agent/peers/hand-over.ts';
import { clientsOf } from '../../../agent/peers/clients.ts';
import type { Hands } from '../../../agent/hands.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const cas = newGeneration();
const node = nodeOf('master');
const WELL = ['m2'];

async function handsOver(callEtcd: Hands['callEtcd'], url: string | undefined = 'https://10.0.0.5:2379') {
  const { hands, write, log } = await testHands({ callEtcd });
  await writeCertificates(node, { write }, cas);
  const { etcd } = clientsOf(node);
  if (!etcd) throw new Error('a master has an etcd');
  await handOver(url, WELL, etcd, hands, NEVER);
  return { log };
}

const refuse = async (code: 'bad-answer' | 'aborted') => await Promise.reject(new AgentError(code, 'no'));

test('a failure is logged, and is not fatal', async () => {
  const { log } = await handsOver(async () => await refuse('bad-answer'));
  expect(logged(log, 'etcd-leader-kept')).toMatchObject([{ level: 'warn', code: 'bad-answer' }]);
});

test('a stop of the program is no failure', async () => {
  expect(await agentErrorOf(handsOver(async () => await refuse('aborted')))).toMatchObject({
    code: 'aborted',
  });
});

test('names the new leader, a member that is well', async () => {
  // ResponseHeader with member_id 1, and leader 1; the members m1 with ID 2 and m2 with ID 3.
  const leads = Buffer.from('0a0210012001', 'hex');
  const members = Buffer.from('1206080212026d311206080312026d32', 'hex');
  const calls: string[] = [];
  const { log } = await handsOver(async (_, method, message) => {
    calls.push(`${method} ${message.toString('hex')}`);
    return await Promise.resolve(method === 'Maintenance/Status' ? leads : members);
  });
  expect(calls.at(-1)).toBe('Maintenance/MoveLeader 0803');
  expect(logged(log, 'etcd-leader-moved')).toMatchObject([{ to: 'm2' }]);
});

test('does nothing without an address', async () => {
  const { hands, write } = await testHands();
  await writeCertificates(node, { write }, cas);
  const { etcd } = clientsOf(node);
  if (etcd) await handOver(undefined, WELL, etcd, hands, NEVER);
  expect(etcd).toBeDefined();
});
