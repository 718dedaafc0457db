import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Node } from '../../../agent/node.ts';
import { FOLLOW_UPS, followUpsText } from '../../../agent/rotation/follow-ups.ts';
import { newFiles } from '../../../agent/rotation/new-files.ts';
import { SERVICE_ACCOUNT } from '../../../agent/rotation/service-account.ts';
import type { Material } from '../../../src/certificates/issue.ts';
import type { ManagedFile } from '../../../src/files/managed-file.ts';
import { unitPlan } from '../../fakes/generation.ts';
import { type TestHands, testHands } from '../support/hands.ts';
import { caOf, type Generation, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const [former, served] = [newGeneration(), newGeneration()];
const pemOf = (generation: Generation): string => caOf(generation, 'kubernetes').pem;

/** Magnum's answers to a node: the served CAs, and a certificate for each row. */
function materialOf({ layout }: Node): Material {
  return {
    authorities: new Map(layout.authorities.map(({ ca }) => [ca, caOf(served, ca).pem])),
    certificates: new Map(
      layout.certificates.map(({ name, ca, subject }) => {
        const { cert, key } = caOf(served, ca).issue(subject);
        return [name, { certificate: cert, key }];
      }),
    ),
  };
}

const CA = '/etc/kubernetes/certs/ca.crt';
const PUBLIC = '/etc/kubernetes/certs/service_account.key';
const PRIVATE = '/etc/kubernetes/certs/service_account_private.key';
const LEAVES = ['kubelet.crt', 'kubelet.key', 'proxy.crt', 'proxy.key'].map(
  (name) => `/etc/kubernetes/certs/${name}`,
);

type Step = Parameters<typeof newFiles>[0];
const STEP: Step = {
  certificates: undefined,
  keys: 'keep',
  serviceAccount: undefined,
  graceMs: undefined,
  units: [],
};

/** The files of a step, by path. */
async function filesOf(
  step: Partial<Step>,
  node: Node,
  { hands }: Pick<TestHands, 'hands'>,
): Promise<Map<string, ManagedFile>> {
  const files = await newFiles({ ...STEP, ...step }, node, materialOf(node), hands);
  expect(new Set(files.map(({ path }) => path)).size).toBe(files.length);
  return new Map(files.map((file) => [file.path, file]));
}

/** Parses a record; its digest is on the second line. */
const recordIn = (file: ManagedFile | undefined): unknown =>
  file && JSON.parse(String(file.content).split('\n')[0] ?? '');

/** Makes a node with the files of a generation. */
async function nodeWith(role: 'master' | 'worker', trusted = [former]): Promise<TestHands & { node: Node }> {
  const site = await testHands();
  const node = nodeOf(role);
  await writeCertificates(node, site, former, trusted);
  return { ...site, node };
}

describe('the certificates of a worker', () => {
  test.each([
    ['all', () => pemOf(served), true],
    ['trust', () => `${pemOf(former)}${pemOf(served)}`, false],
    ['reissue', () => `${pemOf(served)}${pemOf(former)}`, true],
    ['retire', () => pemOf(served), false],
  ] as const)('in the phase %s', async (certificates, trusted, areNew) => {
    const { node, ...site } = await nodeWith('worker');
    const files = await filesOf({ certificates }, node, site);
    expect(String(files.get(CA)?.content).replaceAll(/\n+/g, '\n')).toBe(trusted());
    expect(LEAVES.filter((path) => files.has(path))).toEqual(areNew ? LEAVES : []);
    expect(files.has(FOLLOW_UPS)).toBe(false);
  });

  test('stay without a phase', async () => {
    const { node, ...site } = await nodeWith('worker');
    expect(await filesOf({}, node, site)).toEqual(new Map());
  });

  test('do not need the present ones', async () => {
    const site = await testHands();
    const files = await filesOf({ certificates: 'all' }, nodeOf('worker'), site);
    expect([...files.keys()].toSorted()).toEqual([CA, ...LEAVES].toSorted());
  });
});

const newPair = () =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
const [old, fresh] = [newPair(), newPair()];

/** Makes a master that signs with the old pair. */
async function masterWithKeys(): Promise<TestHands & { node: Node }> {
  const site = await nodeWith('master');
  await site.write(PUBLIC, old.publicKey);
  await site.write(PRIVATE, old.privateKey);
  return site;
}

describe('the service-account keys of a master', () => {
  test.each([
    ['trust', () => old.privateKey, [SERVICE_ACCOUNT]],
    ['all', () => fresh.privateKey, [SERVICE_ACCOUNT]],
    // A pair of heat-params signs at once, as in one step.
    ['first', () => fresh.privateKey, [SERVICE_ACCOUNT]],
  ] as const)('in the phase %s', async (keys, signs, kept) => {
    const { node, ...site } = await masterWithKeys();
    const files = await filesOf({ keys, serviceAccount: fresh }, node, site);
    expect(String(files.get(PRIVATE)?.content).trim()).toBe(signs().trim());
    // The old one is accepted until its grace ends.
    for (const key of [old.publicKey, fresh.publicKey])
      expect(String(files.get(PUBLIC)?.content)).toContain(key.trim());
    expect([...files.keys()].toSorted()).toEqual([PUBLIC, PRIVATE, ...kept].toSorted());
  });

  test('stay with `keep`, and on a worker', async () => {
    const { node, ...site } = await masterWithKeys();
    expect(await filesOf({ serviceAccount: fresh }, node, site)).toEqual(new Map());
    expect(await filesOf({ keys: 'all', serviceAccount: fresh }, nodeOf('worker'), site)).toEqual(new Map());
  });

  test("keep a former one for the step's grace, or for the configured one", async () => {
    const { node, ...site } = await masterWithKeys();
    const untilOf = async (graceMs: number | undefined): Promise<unknown> => {
      const files = await filesOf({ keys: 'all', serviceAccount: fresh, graceMs }, node, site);
      return recordIn(files.get(SERVICE_ACCOUNT));
    };
    const { grace_seconds: seconds } = site.hands.config.service_account;
    const now = site.clock.now();
    expect(await untilOf(5000)).toMatchObject({ leaving: [{ until: now + 5000 }] });
    expect(await untilOf(undefined)).toMatchObject({ leaving: [{ until: now + seconds * 1000 }] });
  });
});

describe('the follow-ups in the cluster', () => {
  const UNITS = [unitPlan('kube-apiserver')];
  const followUps = async (
    step: Partial<Step>,
    { node, ...site }: TestHands & { node: Node },
  ): Promise<unknown> => {
    return recordIn((await filesOf({ units: UNITS, ...step }, node, site)).get(FOLLOW_UPS));
  };

  test.each([
    ['trust', undefined],
    ['reissue', undefined],
    ['retire', ['clientTrust']],
    ['all', ['clientTrust']],
  ] as const)('of certificates in the phase %s', async (certificates, tasks) => {
    const site = await nodeWith('master');
    const found = await followUps({ certificates }, site);
    if (tasks === undefined) expect(found).toBeUndefined();
    else expect(found).toEqual({ version: 1, clientTrust: { due: site.clock.now() } });
  });

  test('replace tokens once another key signs, and keep earlier tasks', async () => {
    const site = await masterWithKeys();
    await site.write(FOLLOW_UPS, followUpsText({ clientTrust: { due: 7 } }));
    expect(await followUps({ keys: 'all', serviceAccount: fresh }, site)).toEqual({
      version: 1,
      tokens: { due: site.clock.now() },
      clientTrust: { due: 7 },
    });
    expect(await followUps({ keys: 'trust', serviceAccount: fresh }, site)).toBeUndefined();
  });

  test('are none on a node without an API server, or if no unit restarts', async () => {
    const worker = { ...(await nodeWith('worker')), node: nodeOf('worker') };
    expect(await followUps({ certificates: 'all' }, worker)).toBeUndefined();
    expect(await followUps({ certificates: 'all', units: [] }, await nodeWith('master'))).toBeUndefined();
  });
});
