import { expect, test } from 'vitest';
import { newMemory, pass } from '../../agent/pass.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { NEVER } from '../src/support/clock.ts';
import { createSite } from './support/site.ts';

const cloud = await cloudForFile();

test('keeps the secrets of a deployment until it is done and no longer listed', async () => {
  const site = await createSite(cloud, { server: { signalTransport: 'HEAT_SIGNAL' } });
  const hands = await site.start();
  const memory = newMemory();
  /** Runs a rotation whose own password and new key are secret. */
  const rotate = async (round: number): Promise<string[]> => {
    const { id } = cloud.deploy(site.cluster, site.server, {
      resource: 'again',
      group: 'coe-rotate',
      inputs: [{ name: 'reason' }, { name: 'admin_password' }],
      values: { reason: `round ${round}`, admin_password: `password of round ${round}` },
      created: site.clock.now() + round * 1000,
    });
    await pass(hands, memory, NEVER);
    expect(hands.ledger.find(id)?.state).toBe('signalled');
    const [, line = ''] = (await site.node.read('/etc/kubernetes/certs/kubelet.key')).split('\n');
    return [`password of round ${round}`, line];
  };
  const [first, second] = [await rotate(1), await rotate(2)];
  expect(second.map(hands.secrets.redact).join('')).toMatch(/^[*]+$/);
  expect(first.map(hands.secrets.redact)).toEqual(first);
});
