import { describe, expect, test } from 'vitest';
import { intendToGoBack, intendToRotate } from '../../../agent/pass/intend-rotation.ts';
import { ROTATE_ALL } from '../../../src/operation/operation.ts';
import { createSwarmNode } from '../../fakes/swarm.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';

/** Half a pair, with which no pod could log in. */
const HALF = { publicKey: 'pem', privateKey: '' };
const MASTER = { files: { '/etc/sysconfig/heat-params': 'NODEGROUP_ROLE="master"\nCLUSTER_UUID="c1"\n' } };

describe('intendToRotate', () => {
  test('plans new certificates for the whole node, without touching the node or the cloud', async () => {
    const { hands, asked, units } = await createSwarmNode();
    const { plan } = await intendToRotate(ROTATE_ALL, hands, NEVER);
    expect(plan).toMatchObject({
      kind: 'certificates',
      material: { issue: { requests: [{ name: 'server' }] } },
    });
    expect(plan).not.toHaveProperty('material.compare');
    expect(asked).toEqual([]);
    expect(units.restarts).toEqual([]);
  });

  test('compares the node before a phase', async () => {
    const { hands } = await createSwarmNode();
    const { plan } = await intendToRotate({ ...ROTATE_ALL, phase: 'trust' }, hands, NEVER);
    expect(plan).toMatchObject({ material: { compare: { phase: 'trust' }, issue: undefined } });
  });

  test('rejects a cluster without TLS', async () => {
    const { hands } = await createSwarmNode({ params: { TLS_DISABLED: 'True' } });
    expect(await faultIn(intendToRotate(ROTATE_ALL, hands, NEVER))).toEqual({
      code: 'precondition',
      reason: 'no-tls',
    });
  });

  test("needs the node's login only if the deployment brings no token", async () => {
    const { hands } = await createSwarmNode({ params: { TRUSTEE_PASSWORD: '' } });
    expect(await faultIn(intendToRotate(ROTATE_ALL, hands, NEVER))).toMatchObject({
      code: 'bad-heat-params',
    });
    const { plan } = await intendToRotate({ ...ROTATE_ALL, keystoneToken: 'token' }, hands, NEVER);
    expect(plan).toMatchObject({ logIn: { token: 'token' } });
  });

  test('ignores service-account keys on a node without any', async () => {
    const { hands } = await createSwarmNode();
    const rotation = intendToRotate({ ...ROTATE_ALL, serviceAccount: HALF }, hands, NEVER);
    expect(await rotation).toMatchObject({ kind: 'change' });
  });
});

const back = (serviceAccount: typeof HALF | undefined) =>
  ({ kind: 'go-back', phase: 'all', serviceAccount }) as const;

describe('intendToGoBack', () => {
  test('does nothing if the inputs or the node lack keys', async () => {
    const { hands } = await createSwarmNode();
    for (const keys of [undefined, HALF])
      expect(await intendToGoBack(back(keys), hands, NEVER)).toMatchObject({ kind: 'nothing' });
  });

  test('rejects keys with which no pod could log in', async () => {
    const { hands } = await createSwarmNode({ ...MASTER, config: ['layout: kubernetes-certs'] });
    expect(await faultIn(intendToGoBack(back(HALF), hands, NEVER))).toEqual({
      code: 'bad-deployment',
      reason: 'keys-half',
    });
  });
});
