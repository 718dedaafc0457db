import { createPublicKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import {
  type Believe,
  type IssueHands,
  issueCertificates,
  type KeptRequest,
} from '../../../src/certificates/issue.ts';
import { keyFromPem } from '../../../src/certificates/key.ts';
import type { CaType } from '../../../src/certificates/layout.ts';
import { createCa, type TestCa } from '../support/openssl.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { request } from '../support/requests.ts';

type Kept = Map<string, { digest: string } & KeptRequest>;

/** Makes hands with a working CA for every type, which record each call. */
async function setUp(kept: Kept = new Map(), over: Partial<IssueHands> = {}) {
  const cas = new Map<CaType, TestCa>();
  for (const type of ['kubelet', 'etcd'] as const) cas.set(type, await createCa());
  const calls: string[] = [];
  const caOf = (type: CaType): TestCa => {
    const ca = cas.get(type);
    if (!ca) throw new Error(`no CA ${type}`);
    return ca;
  };
  const hands: IssueHands = {
    readCa: async (type, believe) => {
      calls.push(`ca ${type}`);
      return await believe(caOf(type).pem);
    },
    sign: async (type, csr, believe) => {
      calls.push(`sign ${type} ${[...kept.entries()].find(([, one]) => one.csr === csr)?.[0] ?? 'not kept'}`);
      return await believe(await caOf(type).sign(csr));
    },
    recall: async (name, digest) => {
      const found = kept.get(name);
      return await Promise.resolve(found?.digest === digest ? found : undefined);
    },
    keep: async (name, digest, { key, csr }) => {
      kept.set(name, { digest, key, csr });
      await Promise.resolve();
    },
    now: () => Date.now() + 1000,
    done: (part, name) => calls.push(`done ${part} ${name}`),
    ...over,
  };
  return { hands, calls, kept, caOf };
}

const REQUESTS = [request({ name: 'a' }), request({ name: 'b', ca: 'etcd', subject: [['CN', 'etcd']] })];

test('issues a key and certificate per request, and asks each CA once', async () => {
  const { hands, calls, caOf } = await setUp();
  const { authorities, certificates } = await issueCertificates(
    REQUESTS,
    ['kubelet', 'etcd'],
    'ec-p256',
    hands,
  );
  expect([...certificates.keys()].toSorted()).toEqual(['a', 'b']);
  for (const { name, ca } of REQUESTS) {
    const { certificate, key } = certificates.get(name) ?? { certificate: '', key: '' };
    const leaf = new X509Certificate(certificate);
    expect(leaf.publicKey.equals(createPublicKey(keyFromPem(key)))).toBe(true);
    expect(leaf.verify(new X509Certificate(authorities.get(ca) ?? '').publicKey)).toBe(true);
    expect(authorities.get(ca)).toBe(new X509Certificate(caOf(ca).pem).toString());
  }
  expect(calls.filter((call) => call.startsWith('ca ')).toSorted()).toEqual(['ca etcd', 'ca kubelet']);
  expect(calls.filter((call) => call.startsWith('done ')).toSorted()).toEqual([
    'done ca etcd',
    'done ca kubelet',
    'done certificate a',
    'done certificate b',
    'done key a',
    'done key b',
  ]);
});

test('keeps key and CSR before it sends the CSR', async () => {
  const { hands, calls } = await setUp();
  await issueCertificates(REQUESTS, [], 'ec-p256', hands);
  expect(calls.filter((call) => call.startsWith('sign '))).toEqual(
    expect.arrayContaining(['sign kubelet a', 'sign etcd b']),
  );
});

test('sends the same CSR again after a lost answer, and makes a new key for another request or algorithm', async () => {
  const kept: Kept = new Map();
  const lost = await setUp(kept, {
    sign: async () => await Promise.reject(new AgentError('cloud-unreachable', 'lost')),
  });
  expect((await agentErrorOf(issueCertificates(REQUESTS, [], 'ec-p256', lost.hands))).code).toBe(
    'cloud-unreachable',
  );
  const before = kept.get('a');

  const again = await setUp(kept);
  const { certificates } = await issueCertificates(REQUESTS, [], 'ec-p256', again.hands);
  expect(certificates.get('a')?.key).toBe(before?.key);
  expect(again.calls).not.toContain('done key a');

  const changed = [request({ name: 'a', names: ['10.0.0.6'] })];
  expect((await issueCertificates(changed, [], 'ec-p256', again.hands)).certificates.get('a')?.key).not.toBe(
    before?.key,
  );
  const keyOfA = kept.get('a')?.key;
  await issueCertificates(changed, [], 'rsa-2048', again.hands);
  expect(kept.get('a')?.key).not.toBe(keyOfA);
});

test("verifies Magnum's answers: a wrong certificate ends the rotation", async () => {
  const stranger = await createCa('k1');
  const { hands } = await setUp(new Map(), {
    sign: async (_, csr, believe) => await believe(await stranger.sign(csr)),
  });
  expect(await agentErrorOf(issueCertificates(REQUESTS, [], 'ec-p256', hands))).toMatchObject({
    code: 'bad-answer',
  });
  const junk = await setUp(new Map(), { readCa: async (_, believe) => await believe('junk') });
  expect(await agentErrorOf(issueCertificates(REQUESTS, [], 'ec-p256', junk.hands))).toMatchObject({
    code: 'bad-answer',
  });
});

/** Asks again when the first answer is rejected. */
const twice = async (answers: () => Promise<string>, believe: Believe): Promise<X509Certificate> => {
  try {
    return await believe(await answers());
  } catch (error) {
    expect(error).toMatchObject({ code: 'bad-answer' });
    return await believe(await answers());
  }
};

test('asks again for a certificate signed by the former CA', async () => {
  const former = await createCa('k1');
  let asked = 0;
  const { hands, caOf } = await setUp();
  const { certificates } = await issueCertificates([request({ name: 'a' })], [], 'ec-p256', {
    ...hands,
    sign: async (type, csr, believe) =>
      await twice(async () => await (asked++ === 0 ? former : caOf(type)).sign(csr), believe),
  });
  const leaf = new X509Certificate(certificates.get('a')?.certificate ?? '');
  expect(leaf.verify(new X509Certificate(caOf('kubelet').pem).publicKey)).toBe(true);
});

test('asks again for a former CA once a certificate is signed by another', async () => {
  const former = await createCa('k1');
  let read = 0;
  const { hands, caOf } = await setUp();
  const { authorities, certificates } = await issueCertificates(
    [request({ name: 'a' }), request({ name: 'b', subject: [['CN', 'other']] })],
    ['kubelet'],
    'ec-p256',
    {
      ...hands,
      readCa: async (type, believe) => await believe(read++ === 0 ? former.pem : caOf(type).pem),
      sign: async (type, csr, believe) => await twice(async () => await caOf(type).sign(csr), believe),
    },
  );
  const ca = new X509Certificate(caOf('kubelet').pem);
  expect(authorities.get('kubelet')).toBe(ca.toString());
  for (const { certificate } of certificates.values())
    expect(new X509Certificate(certificate).verify(ca.publicKey)).toBe(true);
});

test('rejects certificates signed by two CAs of one type', async () => {
  const former = await createCa('k1');
  let read = 0;
  let taken: string | undefined;
  const { hands, caOf } = await setUp();
  const requests = [request({ name: 'a' }), request({ name: 'b', subject: [['CN', 'other']] })];
  const first = Promise.withResolvers<void>();
  const issuing = issueCertificates(requests, ['kubelet'], 'ec-p256', {
    ...hands,
    readCa: async (type, believe) => await believe(read++ === 0 ? former.pem : caOf(type).pem),
    sign: async (type, csr, believe) => {
      taken ??= csr;
      if (taken === csr) return await believe(await former.sign(csr));
      await first.promise;
      return await twice(async () => await caOf(type).sign(csr), believe);
    },
    done: (part, name) => {
      hands.done(part, name);
      if (part === 'certificate') first.resolve();
    },
  });
  expect(await agentErrorOf(issuing)).toMatchObject({ code: 'bad-answer' });
});

test('reports the first error after the others have ended', async () => {
  let running = 0;
  const base = await setUp();
  const slow: IssueHands['sign'] = async (type, csr, believe) => {
    running += 1;
    try {
      if (type === 'kubelet') throw new AgentError('cloud-refused', 'no');
      return await base.hands.sign(type, csr, believe);
    } finally {
      running -= 1;
    }
  };
  const error = await agentErrorOf(issueCertificates(REQUESTS, [], 'ec-p256', { ...base.hands, sign: slow }));
  expect(error.message).toBe('no');
  expect(running).toBe(0);
  expect(base.calls).toContain('done certificate b');
});
