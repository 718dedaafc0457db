import { expect, test } from 'vitest';
import {
  findLoginFiles,
  isLogin,
  type KnownLogins,
  placeOf,
} from '../../../agent/inspection/login-places.ts';
import type { CredentialSet } from '../../../src/files/credential-file.ts';
import { createHands } from '../../fakes/hands.ts';
import { nodeOf } from '../support/node.ts';

const HEAT_PARAMS = '/etc/sysconfig/heat-params';
const CLOUD = '/etc/kubernetes/cloud-config';
const OWN: CredentialSet = {
  user: 'user-own-1',
  userName: 'k1_node',
  domain: 'd',
  password: 'password-own-1',
  trust: 'trust-own-1',
  region: 'R',
  authUrl: 'http://k/v3',
};
const FORMER: CredentialSet = { ...OWN, password: 'password-former-1', trust: 'trust-former-1' };
const KNOWN: KnownLogins = { own: OWN, former: FORMER };
const PLACE = { kind: 'file', of: '/f', readers: [] } as const;

test.each([
  [{ user: OWN.user, trust: OWN.trust, password: OWN.password }, 'node'],
  [{ trust: OWN.trust }, 'node'],
  [{ user: OWN.user, trust: OWN.trust, password: FORMER.password }, 'another'],
  [{ user: OWN.user, trust: FORMER.trust, password: FORMER.password }, 'former'],
  [{ password: FORMER.password }, 'former'],
  [{ user: 'somebody', password: 'p' }, 'another'],
  [{ password: 'p' }, 'unknown'],
] as const)('the login %j is of: %s', (login, whose) => {
  expect(placeOf(PLACE, login, KNOWN)).toMatchObject({
    ...PLACE,
    whose,
    trust: 'trust' in login ? login.trust : undefined,
  });
});

test('without a former login, its parts are those of another', () => {
  const known = { own: OWN, former: undefined };
  expect(placeOf(PLACE, { user: OWN.user, password: FORMER.password }, known).whose).toBe('another');
});

test('names a user by its id, otherwise by its name, and no password', () => {
  expect(placeOf(PLACE, { userName: 'n', password: 'geheim' }, KNOWN)).toEqual({
    ...PLACE,
    whose: 'unknown',
    user: 'n',
    trust: undefined,
  });
});

test.each([
  [{ region: 'R' }, false],
  [{ user: '' }, false],
  [{ userName: 'n' }, true],
  [{ password: 'p' }, true],
])('%j is a login: %s', (set, is) => {
  expect(isLogin(set)).toBe(is);
});

const heatParams = (password = OWN.password): string =>
  `TRUSTEE_USER_ID="${OWN.user}"\nTRUSTEE_PASSWORD="${password}"\nTRUST_ID="${OWN.trust}"\n`;
const cloudConfig = ({ user, password, trust }: CredentialSet): string =>
  `[Global]\nauth-url=http://k/v3\nuser-id=${user}\npassword=${password}\ntrust-id=${trust}\nregion=R\n`;
const node = nodeOf('worker', {}, { credentials: [{ file: CLOUD, format: 'ini', units: ['kubelet'] }] });

async function find(files: Record<string, string>) {
  const { hands } = await createHands({ files });
  return (await findLoginFiles(node, KNOWN, hands)).map(({ of, whose, readers }) => [of, whose, readers]);
}

test('finds heat-params and the files of the layout with their readers', async () => {
  expect(await find({ [HEAT_PARAMS]: heatParams(), [CLOUD]: cloudConfig(FORMER) })).toEqual([
    [HEAT_PARAMS, 'node', ['coe-agent']],
    [CLOUD, 'former', ['kubelet']],
  ]);
});

test('finds files beside them by a known trust or password', async () => {
  const files = {
    [HEAT_PARAMS]: heatParams(),
    '/etc/kubernetes/copy.conf': cloudConfig(FORMER),
    '/etc/kubernetes/notes': `remember ${FORMER.trust} !\n`,
    '/etc/kubernetes/other.conf': cloudConfig({
      ...OWN,
      user: 'x',
      password: 'other-pw-1',
      trust: 'other-t-1',
    }),
  };
  expect(await find(files)).toEqual([
    [HEAT_PARAMS, 'node', ['coe-agent']],
    ['/etc/kubernetes/copy.conf', 'former', []],
    ['/etc/kubernetes/notes', 'unknown', []],
  ]);
});

test('leaves out a file of the layout without a login', async () => {
  expect(await find({ [CLOUD]: '[Global]\nregion=R\n' })).toEqual([]);
});
