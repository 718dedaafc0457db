import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { findOldCaUsers, type OldCaUser } from '../../../agent/rotation/old-ca-users.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, nodeOf } from '../support/node.ts';

const [former, served, foreign] = [newGeneration(), newGeneration(), newGeneration()];
const [OLD, NEW, THEIRS] = [former, served, foreign].map((one) => caOf(one, 'kubernetes'));
if (!OLD || !NEW || !THEIRS) throw new Error('there are three generations');
const CAS = { former: [new X509Certificate(OLD.pem)], served: [new X509Certificate(NEW.pem)] };
const SINCE = Date.parse('2026-11-28T11:00:00Z');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function found(put: (core: ReturnType<typeof createKubernetes>['core']) => void) {
  const { core, askAs } = createKubernetes();
  put(core);
  const { hands } = await testHands();
  return await findOldCaUsers(askAs('system:masters'), CAS, SINCE, nodeOf('master'), hands, NEVER);
}

const leaf = (ca: typeof OLD): string => ca.issue([['CN', 'web']]).cert;

test.each<[string, string, OldCaUser['reason'] | undefined]>([
  ['only the old CA', OLD.pem, 'trusts-old-ca'],
  ['both CAs', OLD.pem + NEW.pem, undefined],
  ['the new CA', NEW.pem, undefined],
  ['a foreign CA with the same name', THEIRS.pem, undefined],
  ['a certificate of the old CA', leaf(OLD), 'signed-by-old-ca'],
  ['a certificate of the old CA with both CAs', leaf(OLD) + OLD.pem + NEW.pem, 'signed-by-old-ca'],
  ['a certificate of the new CA', leaf(NEW) + NEW.pem, undefined],
  ['a foreign certificate', leaf(THEIRS) + THEIRS.pem, undefined],
  ['damaged content', OLD.pem.replace(/M/, 'x'), undefined],
])('judges an object with %s', async (_, pem, reason) => {
  const { users, isAll } = await found((core) => {
    core.put('secrets', 'shop', 'web', { type: 'kubernetes.io/tls', data: { 'tls.crt': base64(pem) } });
    core.put('apiservices', '', 'v1.x', { spec: { caBundle: base64(pem) } });
  });
  expect(isAll).toBe(true);
  expect(users).toEqual(
    reason === undefined
      ? []
      : [
          { kind: 'APIService', namespace: '', name: 'v1.x', reason },
          { kind: 'Secret', namespace: 'shop', name: 'web', reason },
        ],
  );
});

test.each([
  ['the folder of the files', '/etc/kubernetes/certs', '2026-11-28T10:59:59Z', true],
  ['one of the files', '/etc/kubernetes/certs/ca.crt', '2026-11-28T10:59:59Z', true],
  ['a folder above, with a slash at its end', '/etc/kubernetes/', '2026-11-28T10:59:59Z', true],
  ['the folder, and has started since', '/etc/kubernetes/certs', '2026-11-28T11:00:00Z', false],
  ['a folder with a similar name', '/etc/kubernetes/cert', '2026-11-28T10:59:59Z', false],
  ['the whole host', '/', '2026-11-28T10:59:59Z', false],
  ['all of its configuration', '/etc', '2026-11-28T10:59:59Z', false],
])('judges a pod that mounts %s', async (_, path, startTime, isUser) => {
  const { users } = await found((core) => {
    core.put('pods', 'kube-system', 'occm', {
      spec: { volumes: [{ hostPath: { path } }] },
      status: { startTime },
    });
  });
  const reason = 'started-before';
  expect(users).toEqual(isUser ? [{ kind: 'Pod', namespace: 'kube-system', name: 'occm', reason }] : []);
});
