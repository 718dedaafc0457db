import { expect, test } from 'vitest';
import { intendToChangeCredentials } from '../../../agent/credentials/intend.ts';
import type { CredentialsPlan } from '../../../agent/plan/plan.ts';
import type { CredentialsOperation } from '../../../src/operation/credentials.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { PARAMS } from '../../src/support/requests.ts';

const HEAT_PARAMS = '/etc/sysconfig/heat-params';
const CLOUD = '/etc/kubernetes/cloud-config';
const BUNDLE = '/etc/kubernetes/ca-bundle.crt';
const LOGIN = {
  AUTH_URL: 'https://keystone/v3',
  TRUSTEE_USER_ID: 'user-old-1',
  TRUSTEE_PASSWORD: 'password-old-1',
  TRUST_ID: 'trust-old-1',
  REGION_NAME: 'RegionOne',
};
const PASSWORD = { trustee_password: 'password-new-1' };
const NEW_CA = createClusterCa('cloud').pem;

const assigned = (params: Readonly<Record<string, string>>): string =>
  Object.entries(params)
    .map(([key, value]) => `${key}="${value}"\n`)
    .join('');
const heatParams = (over: Record<string, string> = {}): string =>
  assigned({ ...PARAMS, NODEGROUP_ROLE: 'worker', ...LOGIN, ...over });
const cloudConfig = (password = LOGIN.TRUSTEE_PASSWORD): string =>
  `[Global]\nauth-url=${LOGIN.AUTH_URL}\nuser-id=${LOGIN.TRUSTEE_USER_ID}\npassword=${password}\ntrust-id=${LOGIN.TRUST_ID}\nca-file=${BUNDLE}\n`;

const NODE = { [HEAT_PARAMS]: heatParams(), [CLOUD]: cloudConfig() };

type Asked = Omit<CredentialsOperation, 'kind'>;
const handsOn = async (files: Record<string, string>, config: string[] = []) =>
  await createHands({ files, config });
async function intend(asked: Asked, files: Record<string, string> = NODE, config: string[] = []) {
  const { hands } = await handsOn(files, config);
  return await intendToChangeCredentials({ kind: 'credentials', ...asked }, hands, NEVER);
}
async function plan(...args: Parameters<typeof intend>): Promise<CredentialsPlan> {
  const intention = await intend(...args);
  if (intention.kind !== 'change' || intention.plan.kind !== 'credentials') throw new Error('no change');
  return intention.plan;
}

test('plans every file that holds the login, and restarts the units that read it', async () => {
  const { stage, check, login, node } = await plan({ given: PASSWORD });
  expect(stage.paths).toEqual([HEAT_PARAMS, CLOUD]);
  expect(stage.change).toMatchObject({
    old: { password: LOGIN.TRUSTEE_PASSWORD },
    fresh: { password: PASSWORD.trustee_password, trust: LOGIN.TRUST_ID },
    given: ['password'],
  });
  expect(stage.units.map(({ name }) => name)).toEqual(['kubelet']);
  expect(check).toMatchObject({ paths: stage.paths, units: stage.units });
  expect(login?.askCluster.region).toBe('RegionOne');
  expect(node.params.get('TRUSTEE_PASSWORD')).toBe(PASSWORD.trustee_password);
});

test('does nothing on a node that has the login everywhere', async () => {
  expect(await intend({ given: { trustee_password: LOGIN.TRUSTEE_PASSWORD } })).toMatchObject({
    kind: 'nothing',
    reason: 'has-credentials',
  });
});

test('changes a file that a former change has left out', async () => {
  const files = { ...NODE, [HEAT_PARAMS]: heatParams({ TRUSTEE_PASSWORD: PASSWORD.trustee_password }) };
  const given = { ...PASSWORD, trust_id: LOGIN.TRUST_ID };
  expect((await plan({ given }, files)).stage.paths).toEqual([CLOUD]);
});

test('redacts the new password from then on', async () => {
  const { hands } = await handsOn(NODE);
  await intendToChangeCredentials({ kind: 'credentials', given: PASSWORD }, hands, NEVER);
  expect(hands.secrets.redact(PASSWORD.trustee_password)).toBe('***');
});

test.each(['TRUSTEE_PASSWORD', 'AUTH_URL', 'CLUSTER_UUID'])('rejects heat-params without %s', async (key) => {
  const files = { [HEAT_PARAMS]: heatParams({ [key]: '' }) };
  expect(await faultIn(intend({ given: { trust_id: 'trust-new-1' } }, files))).toMatchObject({
    code: 'bad-heat-params',
  });
});

test('accepts a value that heat-params lack if it is given', async () => {
  const files = { [HEAT_PARAMS]: heatParams({ TRUSTEE_PASSWORD: '' }) };
  expect((await plan({ given: PASSWORD }, files)).stage.paths).toEqual([HEAT_PARAMS]);
});

test('tests the trustee, also if the configuration has an application credential', async () => {
  const config = ['cloud: { application_credential: { id: ac1, secret: ac-secret-1 } }'];
  const { login, node } = await plan({ given: PASSWORD }, NODE, config);
  expect(login?.logIn.as).toContain(LOGIN.TRUSTEE_USER_ID);
  expect([...node.params.values()]).not.toContain('ac-secret-1');
});

test('rejects heat-params in which its own parser would not find the new value', async () => {
  // The parser skips the form feed; the change does not find the assignment behind it.
  const files = { [HEAT_PARAMS]: `${heatParams()}\fTRUSTEE_PASSWORD="x"\n` };
  expect(await faultIn(intend({ given: PASSWORD }, files))).toEqual({
    code: 'bad-heat-params',
    reason: 'parameter-not-replaceable',
  });
});

test('asks a cluster without TLS for no CA', async () => {
  const files = { ...NODE, [HEAT_PARAMS]: heatParams({ TLS_DISABLED: 'True' }) };
  expect((await plan({ given: PASSWORD }, files)).login?.askCluster.ca).toBeUndefined();
  expect((await plan({ given: PASSWORD })).login?.askCluster.ca).toBe('kubernetes');
});

test('changes objects of the API on a master alone', async () => {
  const files = { ...NODE, [HEAT_PARAMS]: heatParams({ NODEGROUP_ROLE: 'master' }) };
  expect((await plan({ given: PASSWORD })).stage.objects).toBeUndefined();
  const config = ['workloads: { per_second: 3, deadline_seconds: 60 }'];
  expect((await plan({ given: PASSWORD }, files, config)).stage.objects).toMatchObject({
    perSecond: 3,
    deadlineMs: 60_000,
    holder: PARAMS.INSTANCE_NAME,
  });
});

test('restarts a unit that the layout does not restart in a rotation, and accepts its absence', async () => {
  const files = {
    ...NODE,
    '/etc/sysconfig/registry-config.yml': `storage:\n  swift:\n    authurl: "${LOGIN.AUTH_URL}"\n    password: "${LOGIN.TRUSTEE_PASSWORD}"\n    trustid: "${LOGIN.TRUST_ID}"\n`,
  };
  const { units } = (await plan({ given: PASSWORD }, files)).stage;
  expect(units.map(({ name }) => name)).toEqual(['kubelet', 'registry']);
  expect(units.at(-1)).toMatchObject({ required: false });
});

test('a CA bundle alone needs no login, and is proven at Keystone', async () => {
  const { login, seeCloud, stage } = await plan({ given: {}, openstackCa: NEW_CA });
  expect(login).toBeUndefined();
  expect(seeCloud).toEqual({ do: 'see-cloud', url: LOGIN.AUTH_URL, ca: NEW_CA });
  expect(stage).toMatchObject({ paths: [BUNDLE], openstackCa: NEW_CA, change: { given: [] } });
  expect(stage.units.map(({ name }) => name)).toEqual(['kubelet']);
});

test('a bundle that the node has already is no change', async () => {
  const files = { ...NODE, [BUNDLE]: NEW_CA };
  expect(await intend({ given: {}, openstackCa: NEW_CA }, files)).toMatchObject({ kind: 'nothing' });
});

test('rejects a bundle that cannot be proven, because Keystone has no TLS', async () => {
  const files = { [HEAT_PARAMS]: heatParams({ AUTH_URL: 'http://keystone/v3' }) };
  expect(await faultIn(intend({ given: {}, openstackCa: NEW_CA }, files))).toEqual({
    code: 'precondition',
    reason: 'no-tls',
  });
});
