import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { readNode } from '../../../agent/node.ts';
import { renew } from '../../../agent/upkeep/renew.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { CA_FILE, createSwarmNode, KEY_FILE, type SwarmNode } from '../../fakes/swarm.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';

const CERTIFICATE = '/etc/docker/server.crt';

const renewing = async ({ hands }: SwarmNode, mustLast = false) =>
  await renew(await readNode(hands), mustLast, hands, NEVER);

test('replaces the certificate and its key by ones of the same CA, and restarts the unit', async () => {
  const site = await createSwarmNode({ isCurrent: true });
  const before = [await site.read(CERTIFICATE), await site.read(KEY_FILE)];
  expect(await renewing(site)).toMatchObject({ is: 'succeeded', statusCode: 0 });
  const after = [await site.read(CERTIFICATE), await site.read(KEY_FILE)];
  expect(after.filter((text) => before.includes(text))).toEqual([]);
  const ca = new X509Certificate(await site.read(CA_FILE));
  expect(new X509Certificate(after[0] ?? '').verify(ca.publicKey)).toBe(true);
  expect(site.units.restarts).toEqual(['docker']);
  expect(await site.hands.generations.underWay()).toBe(false);
});

test('recreates a damaged CA file like a missing one', async () => {
  const site = await createSwarmNode({ isCurrent: true });
  await site.write(CA_FILE, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  expect(await renewing(site)).toMatchObject({ is: 'succeeded' });
  expect(new X509Certificate(await site.read(CA_FILE)).fingerprint256).toBe(
    new X509Certificate(site.served.pem).fingerprint256,
  );
});

test('returns a failure as an outcome, which changes no file and leaves no generation', async () => {
  const site = await createSwarmNode();
  const before = await site.read(CERTIFICATE);
  expect(await renewing(site)).toMatchObject({ is: 'failed', error: { reason: 'rotation-missed' } });
  expect(await site.read(CERTIFICATE)).toBe(before);
  expect(await site.hands.generations.underWay()).toBe(false);
});

const stop = async (): Promise<never> => await Promise.reject(new AgentError('aborted', 'stopped'));

test('throws when the program must stop', async () => {
  const site = await createSwarmNode({ over: { openCluster: stop } });
  expect(await agentErrorOf(renewing(site))).toMatchObject({ code: 'aborted' });
});
