import { describe, expect, test } from 'vitest';
import {
  asTrustee,
  checkNode,
  kindOfLogin,
  namesOf,
  nodeNameOf,
  ownLoginOf,
  readNode,
  readNodeIfThere,
  readParamsIfThere,
} from '../../agent/node.ts';
import { createHands } from '../fakes/hands.ts';
import { faultIn, thrownBy } from '../src/support/outcome-of.ts';
import { PARAMS } from '../src/support/requests.ts';
import { nodeOf } from './support/node.ts';

const HEAT_PARAMS = '/etc/sysconfig/heat-params';
const TRUSTEE = { AUTH_URL: 'http://k/v3', TRUSTEE_USER_ID: 'u', TRUSTEE_PASSWORD: 'geheim-7' };

/** Makes hands on a node with these heat-params. */
async function handsWith(params: Readonly<Record<string, string>>, files: Record<string, string> = {}) {
  const text = Object.entries(params).map(([key, value]) => `${key}="${value}"\n`);
  return await createHands({ files: { ...files, [HEAT_PARAMS]: text.join('') } });
}

const roleOf = async (params: Record<string, string>) =>
  (await readNode((await handsWith(params)).hands)).role;

describe('readNode', () => {
  test('is undefined or fails before heat-params are there', async () => {
    const { hands } = await createHands();
    expect(await readNodeIfThere(hands)).toBeUndefined();
    expect(await faultIn(readNode(hands))).toMatchObject({ code: 'bad-heat-params' });
  });

  test('takes a node without a role for a worker', async () => {
    expect(await roleOf(PARAMS)).toBe('worker');
    expect(await roleOf({ ...PARAMS, NODEGROUP_ROLE: 'master' })).toBe('master');
  });

  test('prefers the name in /etc/hostname to that of the running kernel', async () => {
    const named = await handsWith(PARAMS, { '/etc/hostname': 'from-file\n' });
    expect((await readNode(named.hands)).values.get('HOSTNAME')).toBe('from-file');
    const { hands } = await handsWith(PARAMS);
    expect((await readNode(hands)).values.get('HOSTNAME')).toBe(hands.hostname);
  });

  test('redacts the password from then on', async () => {
    const { hands } = await handsWith({ ...PARAMS, ...TRUSTEE });
    await readNode(hands);
    expect(hands.secrets.redact(`is ${TRUSTEE.TRUSTEE_PASSWORD}`)).toBe('is ***');
  });
});

test("readParamsIfThere adds the configuration's application credential, but not to a missing file", async () => {
  const { hands } = await handsWith({ ...PARAMS, ...TRUSTEE });
  const config = {
    ...hands.config,
    cloud: { ...hands.config.cloud, application_credential: { id: 'ac', secret: 'ac-secret-1' } },
  };
  const params = await readParamsIfThere({ ...hands, config });
  expect(kindOfLogin(params)).toBe('application-credential');
  expect(hands.secrets.redact('ac-secret-1')).toBe('***');
  expect(kindOfLogin(asTrustee(params))).toBe('trustee');
  const { disk } = await createHands();
  expect(await readParamsIfThere({ ...hands, disk, config })).toEqual(new Map());
});

const check = (params: Record<string, string>, hasToken = false) => {
  const node = nodeOf('worker', params);
  return (): void => {
    checkNode(node, HEAT_PARAMS, hasToken);
  };
};

describe('checkNode', () => {
  test('accepts a trustee without a trust, and a token without a trustee', () => {
    expect(check(TRUSTEE)).not.toThrow();
    expect(check({}, true)).not.toThrow();
    const credential = { APPLICATION_CREDENTIAL_ID: 'i', APPLICATION_CREDENTIAL_SECRET: 's' };
    expect(check({ AUTH_URL: 'http://k', ...credential })).not.toThrow();
  });

  test.each([
    [{ ...TRUSTEE, CLUSTER_UUID: '' }, 'CLUSTER_UUID'],
    [{ ...TRUSTEE, MAGNUM_URL: '' }, 'MAGNUM_URL'],
    [{ ...TRUSTEE, NODEGROUP_ROLE: '' }, 'NODEGROUP_ROLE'],
    [{ ...TRUSTEE, TRUSTEE_PASSWORD: '' }, 'TRUSTEE_PASSWORD'],
    [{ AUTH_URL: 'http://k', APPLICATION_CREDENTIAL_ID: 'i' }, 'APPLICATION_CREDENTIAL_SECRET'],
  ])('names the missing key: %#', (params, key) => {
    const error = thrownBy(check(params));
    expect(error.code).toBe('bad-heat-params');
    expect(error.message).toContain(key);
    expect(error.message).toContain(HEAT_PARAMS);
  });

  test('needs no role if both roles have one layout', () => {
    const node = nodeOf('master', { ...TRUSTEE, NODEGROUP_ROLE: '' });
    const { master } = node.chosen.layout.roles;
    const layout = { ...node.chosen.layout, roles: { master, worker: master } };
    expect(() => {
      checkNode({ ...node, chosen: { ...node.chosen, layout } }, HEAT_PARAMS, false);
    }).not.toThrow();
  });

  test('rejects a cluster without TLS', () => {
    expect(thrownBy(check({ ...TRUSTEE, TLS_DISABLED: 'True' }))).toMatchObject({
      code: 'precondition',
      reason: 'no-tls',
    });
  });
});

test('is named after its instance, otherwise after its host', () => {
  expect(nodeNameOf(nodeOf('worker'))).toBe(PARAMS.INSTANCE_NAME);
  const unnamed = nodeOf('worker', { INSTANCE_NAME: '' });
  expect(nodeNameOf(unnamed)).toBe('host-0');
  expect(namesOf(unnamed)).toEqual(new Set(['host-0', PARAMS.KUBE_NODE_IP]));
});

test.each([
  [{ TRUST_ID: 't' }, 'trust', ['u', 't']],
  [{}, 'trustee', ['u']],
  [{ TRUST_ID: 't', APPLICATION_CREDENTIAL_ID: 'i' }, 'application-credential', ['i']],
] as const)('logs in with %j as %s', (more, kind, named) => {
  const params = new Map(Object.entries({ ...TRUSTEE, ...more }));
  expect(kindOfLogin(params)).toBe(kind);
  for (const word of named) expect(ownLoginOf(params).split(' ')).toContain(word);
});
