import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { lookAtTokens } from '../../../agent/rotation/legacy-tokens.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { nodeOf } from '../support/node.ts';

const PATIENCE = { baseMs: 1, capMs: 1, forMs: 1 };
const LEASE = 'kube-controller-manager';
const newKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const [present, stranger] = [newKey(), newKey()];
const master = nodeOf('master');

/** Looks at a cluster with one legacy token that no key of this master verifies. */
async function look(leader?: string) {
  const api = createKubernetes();
  api.addLegacyToken('n', 'token');
  api.signer = stranger;
  api.work();
  api.signer = undefined;
  if (leader !== undefined) api.leaders.set(LEASE, leader);
  const { hands, write } = await testHands();
  const row = master.layout.serviceAccount;
  if (!row) throw new Error('a master has service-account keys');
  await write(row.privateKeyFile.path, present.export({ type: 'pkcs8', format: 'pem' }));
  await write(
    row.publicKeyFile.path,
    createPublicKey(present.export({ type: 'pkcs8', format: 'pem' })).export({ type: 'spki', format: 'pem' }),
  );
  const missing = await lookAtTokens(api.askAs('system:masters'), master, PATIENCE, hands, NEVER);
  const data = api.core.find('secrets', 'n', 'token')?.['data'];
  return {
    code: missing?.code,
    isCleared: JSON.stringify(data).includes('null') || JSON.stringify(data) === '{}',
  };
}

const HERE = { code: 'waits', isCleared: true };

describe('a token of an unknown key is signed again', () => {
  test.each([
    // client-go: the host's name, `_`, a random suffix.
    ['its own controller manager leads, by its host name', 'host-0_5b1c'],
    ['it leads by the name of the instance', 'k1-node-0_5b1c'],
    ['the lease has no holder, so there is no election', ''],
    ['there is no lease', undefined],
  ])('by this master if %s', async (_, leader) => {
    expect(await look(leader)).toEqual(HERE);
  });

  test.each(['m1_5b1c', 'my_host_5b1c', 'host-00_5b1c'])(
    'by the master of %s, which leads',
    async (leader) => {
      expect(await look(leader)).toEqual({ code: 'elsewhere', isCleared: false });
    },
  );
});
