import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeDeployment } from '../../../src/deployment/decode.ts';
import type { Deployment } from '../../../src/deployment/deployment.ts';
import { selectOperation } from '../../../src/operation/operation.ts';
import { deployment } from '../support/deployments.ts';
import { fixture, jsonObject, listIn } from '../support/fixtures.ts';

const KEYS = { kube_service_account_key_input: 'PUB', kube_service_account_private_key_input: 'PRIV' };
const asked = (which: string): Deployment =>
  deployment({ kube_service_account_key_input: which, kube_service_account_private_key_input: which });

const kind = (now: Deployment, ...earlier: Deployment[]) => selectOperation(now, earlier)?.kind;

test("reads service-account keys from a real Magnum's rotation", () => {
  const [raw] = listIn(jsonObject(fixture('metadata-rotate.json')), 'deployments');
  const decoded = decodeDeployment(raw);
  const operation = decoded.ok ? selectOperation(decoded.deployment, []) : undefined;
  const pair = operation?.kind === 'rotate' ? operation.serviceAccount : undefined;
  expect(operation).toMatchObject({ kind: 'rotate', phase: 'all', keystoneToken: undefined });
  const fromPrivate = createPublicKey(createPrivateKey(pair?.privateKey ?? ''));
  expect(fromPrivate.equals(createPublicKey(pair?.publicKey ?? ''))).toBe(true);
});

const pairOf = (inputs: Record<string, unknown>): unknown => {
  const operation = selectOperation(deployment(inputs), []);
  return operation?.kind === 'rotate' ? operation.serviceAccount : operation;
};

test('accepts a rotation without keys, and rejects half a pair', () => {
  expect(pairOf({})).toBeUndefined();
  expect(pairOf({ ...KEYS, kube_service_account_key_input: '' })).toEqual({
    publicKey: '',
    privateKey: 'PRIV',
  });
  expect(pairOf({ kube_service_account_key_input: 'PUB' })).toEqual({ publicKey: 'PUB', privateKey: '' });
});

test('uses a token in the inputs', () => {
  expect(selectOperation(deployment({ keystone_token: 'gAAAA' }), [])).toMatchObject({
    keystoneToken: 'gAAAA',
  });
  expect(selectOperation(deployment({ keystone_token: '' }), [])).toMatchObject({ keystoneToken: undefined });
});

const ask = (reason: string, action = 'UPDATE'): Deployment =>
  deployment({ reason, deploy_action: action }, { group: 'coe-rebuild' });

test('renews everything on coe-rebuild, but not on a roll-back or deletion', () => {
  expect(kind(ask('drift'))).toBe('rebuild');
  expect(kind(ask('again'), ask('drift'))).toBe('rebuild');
  expect(kind(ask('drift'), ask('drift'), ask('again'))).toBe('none');
  expect(kind(ask('drift', 'DELETE'))).toBe('none');
});

test('does nothing on coe-report, whatever the action', () => {
  for (const action of ['CREATE', 'UPDATE', 'DELETE'])
    expect(selectOperation(deployment({ deploy_action: action }, { group: 'coe-report' }), [])).toMatchObject(
      {
        kind: 'none',
        reason: 'only-reports',
      },
    );
});

test.each(['', '/', '.', ' '])('rejects the group %j, which no hook can have', (group) => {
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
])('maps the group %j to the hook %s', (group, hook) => {
  expect(selectOperation(deployment({}, { group }), [])).toMatchObject({ kind: 'run', hook });
});

test('treats inputs as before as a roll-back, and new or repeated ones as a rotation', () => {
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

test.each(['Trust', 'every', 7, ['trust']])('rejects the phase %j', (phase) => {
  const raw = { id: 'd1', group: 'coe-rotate', inputs: [{ name: 'phase', type: 'Json', value: phase }] };
  const decoded = decodeDeployment(raw);
  const operation = decoded.ok ? selectOperation(decoded.deployment, []) : undefined;
  expect(operation).toMatchObject({ kind: 'refuse', reason: 'phase-unknown' });
});

test('does everything at once without a phase, or with an empty one', () => {
  for (const inputs of [{}, { phase: '' }, { phase: 'all' }])
    expect(selectOperation(deployment(inputs), [])).toMatchObject({ kind: 'rotate', phase: 'all' });
});

const at = (rotation: string, phase: string): Deployment => deployment({ rotation, phase });

describe('the phases of a rotation and the roll-back of a stack', () => {
  test('runs the phases of one rotation in any order', () => {
    const done = [at('1', 'trust'), at('1', 'reissue'), at('1', 'trust')];
    expect(selectOperation(at('1', 'reissue'), done)).toMatchObject({ kind: 'rotate', phase: 'reissue' });
    expect(selectOperation(at('1', 'trust'), done.slice(0, 2))).toMatchObject({
      kind: 'rotate',
      phase: 'trust',
    });
    expect(kind(at('1', 'retire'), ...done)).toBe('rotate');
  });

  test('treats a phase of the previous rotation as a roll-back: Magnum no longer has its CA', () => {
    const done = [at('1', 'reissue'), at('1', 'retire'), at('2', 'trust')];
    expect(selectOperation(at('1', 'retire'), done)).toMatchObject({ kind: 'go-back', phase: 'retire' });
    expect(kind(at('1', 'reissue'), at('1', 'reissue'), at('2', 'trust'))).toBe('go-back');
    expect(kind(deployment({ rotation: '1' }), deployment({ rotation: '1' }), at('2', 'trust'))).toBe(
      'go-back',
    );
  });

  test('treats the phase `all`, if it was set before, as a roll-back also within a rotation', () => {
    expect(kind(at('1', 'all'), at('1', 'all'), at('1', 'trust'))).toBe('go-back');
    expect(kind(at('1', 'all'), at('1', 'trust'))).toBe('rotate');
  });
});
