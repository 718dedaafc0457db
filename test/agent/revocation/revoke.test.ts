import { beforeAll, describe, expect, test } from 'vitest';
import { intendToRevoke } from '../../../agent/revocation/revoke.ts';
import type { NodeIntention } from '../../../agent/plan/intention.ts';
import type { RevokeOperation } from '../../../src/operation/revoke.ts';
import { settingsOf } from '../../../src/services/unit-settings.ts';
import { createHands, type HandsSpec, type TestHands } from '../../fakes/hands.ts';
import { stageFile } from '../../fakes/generation.ts';
import { noticesIn } from '../../scenarios/support/notices.ts';
import { NEVER } from '../../src/support/clock.ts';
import { createSigner, type ListSpec, makeList, signLeaf, type Signer } from '../../src/support/crl.ts';
import { PARAMS } from '../../src/support/requests.ts';
import { faultIn } from '../../src/support/outcome-of.ts';

const LIST = '/etc/etcd/certs/client.crl';
const CANARY = '/etc/coe-agent/canary';
const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
/** The serial numbers of etcd's own client, which checks its health, and of the canary. */
const [ADMIN, OTHER] = ['0a11', '0ca7'];

let ca: Signer;
let kubernetes: Signer;
let admin: { cert: string; key: string };
let canary: { cert: string; key: string };
beforeAll(async () => {
  [ca, kubernetes] = await Promise.all([createSigner(EC), createSigner(EC)]);
  [admin, canary] = await Promise.all([signLeaf(ca, ADMIN), signLeaf(ca, OTHER)]);
});

const settings = (words: string) => async () =>
  await Promise.resolve(
    settingsOf(`ExecStart={ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd ${words} ; ignore_errors=no }`),
  );

/** Makes a master whose etcd reads the list. */
async function master({
  role = 'master',
  units = ['etcd'],
  files = {},
  words = `--client-crl-file=${LIST}`,
}: Pick<HandsSpec, 'units' | 'files'> & {
  role?: 'master' | 'worker';
  words?: string;
} = {}): Promise<TestHands> {
  const params = Object.entries({ ...PARAMS, NODEGROUP_ROLE: role });
  return await createHands({
    units,
    config: ['layout: kubernetes-certs'],
    files: {
      '/etc/sysconfig/heat-params': params.map(([key, value]) => `${key}="${value}"\n`).join(''),
      '/etc/etcd/certs/ca.crt': ca.pem,
      '/etc/kubernetes/certs/ca.crt': kubernetes.pem,
      '/etc/etcd/certs/admin.crt': admin.cert,
      '/etc/etcd/certs/admin.key': admin.key,
      ...files,
    },
    over: { unitSettings: settings(words) },
  });
}
const canaryFiles = (): Record<string, string> => ({
  [`${CANARY}/cert.pem`]: canary.cert,
  [`${CANARY}/key.pem`]: canary.key,
});

type Asked = Partial<Omit<RevokeOperation, 'list'>> & { spec?: ListSpec; signer?: Signer };

async function intention(
  site: TestHands,
  { spec, signer = ca, ...asked }: Asked = {},
): Promise<NodeIntention> {
  const { pem } = await makeList(signer, { number: 2, ...spec });
  const flags = { allowOwn: false, prepare: false, restart: false };
  const operation = { kind: 'revoke', source: 'the input crl', list: pem, ...flags, ...asked } as const;
  return await intendToRevoke(operation, site.hands, NEVER);
}

/** Returns the planned proof of the row's list. */
async function proofOf(site: TestHands, asked: Asked = {}) {
  const found = await intention(site, asked);
  if (found.kind !== 'change' || found.plan.kind !== 'lists') throw new Error('no list');
  return found.plan.stage.lists[0];
}

describe('installs a list', () => {
  test("in its reader's format, proven by a client that is not revoked", async () => {
    const site = await master();
    const { der } = await makeList(ca, { number: 2 });
    const found = await intention(site, { spec: {} });
    expect(found).toMatchObject({
      kind: 'change',
      plan: { kind: 'lists', check: { paths: [LIST], units: [{ name: 'etcd', required: true }] } },
    });
    if (found.kind !== 'change' || found.plan.kind !== 'lists') throw new Error('no list');
    const [file] = found.plan.stage.files;
    // DER, as etcd reads it.
    expect(Buffer.from(file?.content ?? '').subarray(0, 1)).toEqual(der.subarray(0, 1));
    const proof = await proofOf(site);
    expect(proof).toMatchObject({
      file: LIST,
      rereads: true,
      accepted: { certificate: '/etc/etcd/certs/admin.crt' },
    });
    expect(proof).not.toHaveProperty('refused');
  });

  test('proven by the canary too, if the list revokes it', async () => {
    expect(
      await proofOf(await master({ files: canaryFiles() }), { spec: { serials: [OTHER] } }),
    ).toMatchObject({
      accepted: { certificate: '/etc/etcd/certs/admin.crt' },
      refused: { certificate: `${CANARY}/cert.pem` },
    });
    expect(await proofOf(await master({ files: canaryFiles() }))).not.toHaveProperty('refused');
  });

  test('with a restart of the unit on request', async () => {
    expect(await proofOf(await master(), { restart: true })).toMatchObject({ rereads: false });
  });

  test('that revokes its own client if this is allowed: the health check would fail', async () => {
    const proof = await proofOf(await master(), { spec: { serials: [ADMIN] }, allowOwn: true });
    expect(proof).toMatchObject({ refused: { certificate: '/etc/etcd/certs/admin.crt' } });
    expect(proof).not.toHaveProperty('accepted');
    expect(proof?.unitPlan).not.toHaveProperty('health');
  });

  test('without a proof if it is only prepared, for a unit that does not read it yet', async () => {
    const found = await intention(await master({ words: '' }), { prepare: true });
    expect(found).toMatchObject({ kind: 'change', plan: { stage: { lists: [], files: [{ path: LIST }] } } });
  });

  test('in place of an unreadable one, which is reported', async () => {
    const site = await master({ files: { [LIST]: 'no list' } });
    expect(await intention(site)).toMatchObject({ kind: 'change' });
    expect(noticesIn(site.progress)).toEqual([`list-unreadable ${LIST}`]);
  });

  test('in place of one of a former CA, whatever its number', async () => {
    const { pem } = await makeList(await createSigner(EC), { number: 9 });
    expect(await intention(await master({ files: { [LIST]: pem } }))).toMatchObject({ kind: 'change' });
  });
});

test('does nothing if the same list is installed', async () => {
  const { pem } = await makeList(ca, { number: 2 });
  const site = await master({ files: { [LIST]: pem } });
  const flags = { allowOwn: false, prepare: false, restart: false };
  const operation = { kind: 'revoke', source: 'the input crl', list: pem, ...flags } as const;
  expect(await intendToRevoke(operation, site.hands, NEVER)).toMatchObject({
    kind: 'nothing',
    reason: 'list-in-place',
  });
});

const refusalOf = async (site: TestHands, asked: Asked = {}): Promise<unknown> =>
  await faultIn(intention(site, asked));

describe('rejects', () => {
  test('a list of a CA that the node does not have', async () => {
    expect(await refusalOf(await master(), { signer: await createSigner(EC) })).toEqual({
      code: 'precondition',
      reason: 'foreign-signer',
    });
  });

  test('a list that no service of the node reads', async () => {
    expect(await refusalOf(await master(), { signer: kubernetes })).toMatchObject({ reason: 'no-reader' });
    expect(await refusalOf(await master({ role: 'worker' }), { signer: kubernetes })).toMatchObject({
      reason: 'no-reader',
    });
  });

  test("a list that revokes the node's own client; its canary does not count", async () => {
    expect(await refusalOf(await master(), { spec: { serials: [ADMIN] } })).toMatchObject({
      reason: 'own-certificate',
    });
  });

  test('a list while a rotation is stuck', async () => {
    const site = await master();
    const { generations } = site.hands;
    const journal = await stageFile(site);
    await generations.commit(journal);
    await generations.stick(journal, journal.run);
    expect(await refusalOf(site)).toMatchObject({ reason: 'rotation-stuck' });
  });

  test.each([
    ['has no such unit', { units: [] }, 'unit-missing'],
    ['has a unit that does not read it', { words: '--name a' }, 'not-configured'],
  ])('a list if the node %s', async (_, spec, reason) => {
    expect(await refusalOf(await master(spec))).toMatchObject({ code: 'precondition', reason });
  });

  test('a list that is older than the installed one', async () => {
    const { pem } = await makeList(ca, { number: 3 });
    expect(await refusalOf(await master({ files: { [LIST]: pem } }))).toMatchObject({ reason: 'list-older' });
  });
});
