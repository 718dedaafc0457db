import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { decodeDeployment } from '../../../src/deployment/decode.ts';
import type { Deployment } from '../../../src/deployment/deployment.ts';
import { selectOperation } from '../../../src/operation/operation.ts';
import { deployment } from '../support/deployments.ts';
import { fixture, jsonObject, listIn } from '../support/fixtures.ts';

const KEYS = { kube_service_account_key_input: 'PUB', kube_service_account_private_key_input: 'PRIV' };
const asked = (which: string): Deployment =>
  deployment({ kube_service_account_key_input: which, kube_service_account_private_key_input: which });

const kind = (now: Deployment, ...earlier: Deployment[]) => selectOperation(now, earlier)?.kind;

test('a rotation of a real Magnum brings a pair of service-account keys', () => {
  const [raw] = listIn(jsonObject(fixture('metadata-rotate.json')), 'deployments');
  const decoded = decodeDeployment(raw);
  const operation = decoded.ok ? selectOperation(decoded.deployment, []) : undefined;
  const pair = operation?.kind === 'rotate' ? operation.serviceAccount : undefined;
  expect(operation).toMatchObject({ kind: 'rotate', keystoneToken: undefined });
  const fromPrivate = createPublicKey(createPrivateKey(pair?.privateKey ?? ''));
  expect(fromPrivate.equals(createPublicKey(pair?.publicKey ?? ''))).toBe(true);
});

const pairOf = (inputs: Record<string, unknown>): unknown => {
  const operation = selectOperation(deployment(inputs), []);
  return operation?.kind === 'rotate' ? operation.serviceAccount : operation;
};

test('a rotation without keys brings none; half a pair is not taken for none', () => {
  expect(pairOf({})).toBeUndefined();
  expect(pairOf({ ...KEYS, kube_service_account_key_input: '' })).toEqual({
    publicKey: '',
    privateKey: 'PRIV',
  });
  expect(pairOf({ kube_service_account_key_input: 'PUB' })).toEqual({ publicKey: 'PUB', privateKey: '' });
});

test('a token that comes along is used', () => {
  expect(selectOperation(deployment({ keystone_token: 'gAAAA' }), [])).toMatchObject({
    keystoneToken: 'gAAAA',
  });
  expect(selectOperation(deployment({ keystone_token: '' }), [])).toMatchObject({ keystoneToken: undefined });
});

test.each(['', '/', '.', ' '])('the group %j can have no hook', (group) => {
  expect(selectOperation(deployment({}, { group }), [])).toBeUndefined();
});

test.each([
  ['script', 'script'],
  ['constructor', 'constructor'],
  ['__proto__', '__proto__'],
  ['COE-ROTATE', 'COE-ROTATE'],
  ['os-apply-config', 'os-apply-config'],
  ['Heat::Ungrouped', 'HeatUngrouped'],
  ['../../bin/sh', 'binsh'],
  ['größe_1', 'größe_1'],
])('the group %j asks for the hook %s', (group, hook) => {
  expect(selectOperation(deployment({}, { group }), [])).toMatchObject({ kind: 'run', hook });
});

test('the inputs of before, after others, are a way back; new ones and the same ones again are rotations', () => {
  expect(kind(asked('A'))).toBe('rotate');
  expect(kind(asked('B'), asked('A'))).toBe('rotate');
  expect(kind(asked('A'), asked('A'))).toBe('rotate');
  expect(kind(asked('A'), asked('A'), asked('B'))).toBe('go-back');
  expect(kind(asked(''), asked('A'))).toBe('go-back');
  expect(kind(asked('C'), asked('A'), asked('B'))).toBe('rotate');
  expect(selectOperation(asked('A'), [asked('A'), asked('B')])).toMatchObject({
    serviceAccount: { publicKey: 'A', privateKey: 'A' },
  });
});
