import { describe, expect, test } from 'vitest';
import { fitPhase, fitWorker, PHASES_LEFT } from '../../../agent/rotation/fit-phase.ts';
import { ROTATE_ALL, type RotateOperation } from '../../../src/operation/operation.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf, faultIn } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, nodeOf, servedOf, writeCertificates } from '../support/node.ts';
import { etcdOf, networkOf } from '../support/network.ts';

const [former, served] = [newGeneration(), newGeneration()];
const UNNAMED: RotateOperation = { ...ROTATE_ALL, isUnnamed: true };
const trust = (operation: RotateOperation) => ({
  operation: { ...operation, phase: 'trust' },
  notices: PHASES_LEFT,
});
const asAsked = (operation: RotateOperation) => ({ operation, notices: [] });

/** @param members of its etcd; none: it does not answer, and nor does its API */
async function fitMaster(
  operation: RotateOperation,
  members: number | undefined,
  { phase, workers = 0 }: { phase?: 'all'; workers?: number } = {},
) {
  const api = createKubernetes();
  for (let index = 0; index < workers; index += 1) api.core.put('nodes', '', `w${index}`, {});
  const { cert: presents } = caOf(former, 'kubernetes').issue([['CN', 'kubernetes']]);
  const network = networkOf(
    members === undefined
      ? {}
      : {
          '10.0.0.5:2380': { presents: '', ask: etcdOf(members) },
          '127.0.0.1:6443': { presents, ask: api.askAs('system:masters') },
        },
  );
  const test = await testHands(network);
  const { write } = test;
  const rotation = { ...test.hands.config.rotation, phase };
  const hands = { ...test.hands, config: { ...test.hands.config, rotation } };
  const node = nodeOf('master');
  await writeCertificates(node, { write }, former);
  await write('/etc/etcd/etcd.conf.yaml', 'listen-peer-urls: "https://10.0.0.5:2380"\n');
  const fitted = await fitPhase(operation, node, hands, NEVER);
  expect(network.opened.filter(({ port }) => port === 2380).length).toBeLessThanOrEqual(1);
  return fitted;
}

describe('a master', () => {
  test('that is the only node rotates at once', async () => {
    expect(await fitMaster(UNNAMED, 1)).toEqual(asAsked(UNNAMED));
    expect(await fitMaster(ROTATE_ALL, 1)).toEqual(asAsked(ROTATE_ALL));
  });

  test('with workers begins with the phase "trust" where no phase is named or configured', async () => {
    const workers = 1;
    expect(await fitMaster(UNNAMED, 1, { workers })).toEqual({ ...trust(UNNAMED), notices: [] });
    expect(await fitMaster(ROTATE_ALL, 1, { workers })).toEqual(asAsked(ROTATE_ALL));
    expect(await fitMaster(UNNAMED, 1, { workers, phase: 'all' })).toEqual(asAsked(UNNAMED));
  });

  test('of several starts with "trust" if no phase is named, and rejects "all"', async () => {
    // The rotation is automatic: the owner has nothing to do.
    expect(await fitMaster(UNNAMED, 3)).toEqual({ ...trust(UNNAMED), notices: [] });
    expect(await faultIn(fitMaster(ROTATE_ALL, 3))).toEqual({
      code: 'precondition',
      reason: 'phases-needed',
    });
  });

  test('whose etcd does not answer counts as one of several, unless the phase is named', async () => {
    expect(await fitMaster(UNNAMED, undefined)).toEqual({ ...trust(UNNAMED), notices: [] });
    expect(await fitMaster(UNNAMED, undefined, { phase: 'all' })).toEqual(trust(UNNAMED));
    expect(await fitMaster(ROTATE_ALL, undefined)).toEqual(asAsked(ROTATE_ALL));
  });

  test.each(['trust', 'reissue', 'retire'] as const)('keeps a named phase: %s', async (phase) => {
    expect(await fitMaster({ ...ROTATE_ALL, phase }, 3)).toEqual(asAsked({ ...ROTATE_ALL, phase }));
  });
});

describe('a worker, which is updated after all masters, follows the certificate of their API', () => {
  const node = nodeOf('worker', { KUBE_MASTER_IP: '10.0.0.9' });

  async function fit(signs: typeof served | undefined, of = node, abort = NEVER) {
    const leaf = signs && caOf(signs, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
    const ask = etcdOf(0);
    const { hands, log } = await testHands(
      networkOf(leaf === undefined ? {} : { '10.0.0.9:6443': { presents: leaf, ask } }),
    );
    return { fitted: await fitWorker(UNNAMED, servedOf(of, served), of, hands, abort), log };
  }

  test('of the served CA: at once', async () => {
    expect((await fit(served)).fitted).toEqual(asAsked(UNNAMED));
  });

  test('of a former CA: the phase "trust"', async () => {
    expect((await fit(former)).fitted).toEqual(trust(UNNAMED));
  });

  test('unknown: the phase "trust", which is logged', async () => {
    const { fitted, log } = await fit(undefined);
    expect(fitted).toEqual(trust(UNNAMED));
    expect(logged(log, 'api-server-unknown')).toHaveLength(1);
  });

  test('without an API address, and on a master: as requested', async () => {
    expect((await fit(former, nodeOf('worker'))).fitted).toEqual(asAsked(UNNAMED));
    expect((await fit(former, nodeOf('master', { KUBE_MASTER_IP: '10.0.0.9' }))).fitted).toEqual(
      asAsked(UNNAMED),
    );
  });

  test('stops on abort', async () => {
    expect(await agentErrorOf(fit(served, node, AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
  });
});
