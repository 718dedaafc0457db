import { symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { CredentialRow } from '../../../src/certificates/layout.ts';
import type { Change, CredentialSet } from '../../../src/files/credential-file.ts';
import { changeCredentialFiles, isTelling } from '../../../src/files/credentials.ts';
import { tempRoot } from '../support/temp-root.ts';

const HEAT_PARAMS = '/etc/sysconfig/heat-params';
const CLOUD = '/etc/kubernetes/cloud-config';
const ROW: CredentialRow = { file: CLOUD, format: 'ini', units: ['kubelet', 'kube-apiserver'] };

const OLD: CredentialSet = {
  user: 'user-old-1',
  userName: '',
  domain: '',
  password: 'password-old-1',
  trust: 'trust-old-1',
  region: 'RegionOne',
  authUrl: 'http://keystone/v3',
};
const FRESH: CredentialSet = { ...OLD, password: 'password-new-1', trust: 'trust-new-1' };
const CHANGE: Change = { old: OLD, fresh: FRESH, given: ['password', 'trust'] };

const heatParams = ({ user, password, trust }: CredentialSet): string =>
  `TRUSTEE_USER_ID="${user}"\nTRUSTEE_PASSWORD="${password}"\nTRUST_ID="${trust}"\n`;
const ini = ({ user, password, trust }: CredentialSet): string =>
  `[Global]\nauth-url=http://keystone/v3\nuser-id=${user}\npassword=${password}\ntrust-id=${trust}\nregion=RegionOne\n`;

type Spec = { by?: Change; rows?: readonly CredentialRow[]; links?: Readonly<Record<string, string>> };

/** Changes the login of a node with these files. */
async function change(
  files: Readonly<Record<string, string>>,
  { by = CHANGE, rows = [ROW], links = {} }: Spec = {},
) {
  const { disk, write, at } = await tempRoot();
  for (const [path, content] of Object.entries(files)) await write(path, content);
  for (const [path, target] of Object.entries(links)) await symlink(target, at(path));
  const passedOver: string[] = [];
  const passOver = (path: string): unknown => passedOver.push(path);
  const {
    files: changed,
    units,
    notices,
  } = await changeCredentialFiles(disk, HEAT_PARAMS, rows, by, passOver);
  return {
    contents: Object.fromEntries(changed.map(({ path, content }) => [path, content.toString()])),
    changed,
    units: [...units],
    notices: notices.map(({ code, of }) => [code, of]),
    passedOver,
    disk,
  };
}

test('changes heat-params and the files of the layout, and names the units that read these', async () => {
  const { contents, units, notices } = await change({ [HEAT_PARAMS]: heatParams(OLD), [CLOUD]: ini(OLD) });
  expect(contents).toEqual({ [HEAT_PARAMS]: heatParams(FRESH), [CLOUD]: ini(FRESH) });
  expect(units).toEqual(['kubelet', 'kube-apiserver']);
  expect(notices).toEqual([]);
});

test('ties each file to the content that it was made from', async () => {
  const { changed, disk } = await change({ [CLOUD]: ini(OLD) });
  expect(changed).toMatchObject([{ path: CLOUD, madeFrom: (await disk.snapshot(CLOUD))?.id }]);
});

test('leaves out files that have the login already, and their units', async () => {
  const { contents, units } = await change({ [HEAT_PARAMS]: heatParams(OLD), [CLOUD]: ini(FRESH) });
  expect(Object.keys(contents)).toEqual([HEAT_PARAMS]);
  expect(units).toEqual([]);
});

test('creates no file, and reads no directory in place of one', async () => {
  const { contents } = await change({ [`${CLOUD}/inside`]: 'x' });
  expect(contents).toEqual({});
});

test("leaves another user's login in a file of the layout, and reports it once", async () => {
  const other = ini({ ...OLD, user: 'user-other-1', trust: 'trust-other-1' });
  const { contents, notices } = await change({ [CLOUD]: other }, { rows: [ROW, ROW] });
  expect(contents).toEqual({});
  expect(notices).toEqual([['credentials-left', CLOUD]]);
});

test('changes a file once that two rows name, and restarts the units of both', async () => {
  const link = '/etc/kubernetes/link';
  const rows: CredentialRow[] = [ROW, { file: link, format: 'ini', units: ['registry'] }];
  const links = { [link]: 'cloud-config' };
  const { contents, units } = await change({ [CLOUD]: ini(OLD) }, { rows, links });
  expect(contents).toEqual({ [CLOUD]: ini(FRESH) });
  expect(units).toEqual(['kubelet', 'kube-apiserver', 'registry']);
});

test('says that others read a changed file, but not of an unchanged one', async () => {
  const rows: CredentialRow[] = [{ ...ROW, others: 'the volume driver' }];
  expect((await change({ [CLOUD]: ini(OLD) }, { rows })).notices).toEqual([
    ['credentials-read-by-others', CLOUD],
  ]);
  expect((await change({ [CLOUD]: ini(FRESH) }, { rows })).notices).toEqual([]);
});

test.each([
  ['INI', '/etc/kubernetes/copy.conf', ini],
  ['shell assignments', '/etc/sysconfig/more', heatParams],
])('changes a copy in %s beside a known file, whose readers are unknown', async (_, path, text) => {
  const { contents, units, notices } = await change({ [HEAT_PARAMS]: '', [path]: text(OLD) });
  expect(contents).toMatchObject({ [path]: text(FRESH) });
  expect(notices).toEqual([['reader-unknown', path]]);
  expect(units).toEqual([]);
});

test.each([
  ['of no known kind', 'notes', `remember ${OLD.trust}\n`],
  ["that is an editor's backup", 'cloud-config~', ini(OLD)],
  ["that is a package manager's backup", 'cloud-config.rpmsave', ini(OLD)],
  ['that is hidden', '.cloud-config', ini(OLD)],
])('leaves and names a copy %s', async (_, name, text) => {
  const { contents, notices } = await change({ [CLOUD]: ini(FRESH), [`/etc/kubernetes/${name}`]: text });
  expect(contents).toEqual({});
  expect(notices).toEqual([['credentials-left', `/etc/kubernetes/${name}`]]);
});

test.each([
  ['staged by a stuck generation', 'cloud-config.coe-agent', ini(OLD)],
  ['with the login of others', 'other.conf', ini({ ...OLD, trust: 'trust-x-1', password: 'password-x-1' })],
])('does not mention a file %s', async (_, name, text) => {
  const { contents, notices } = await change({ [CLOUD]: ini(FRESH), [`/etc/kubernetes/${name}`]: text });
  expect([contents, notices]).toEqual([{}, []]);
});

test('searches for the parts that change: the trust says nothing of a new password', async () => {
  const by: Change = { old: OLD, fresh: { ...OLD, password: 'password-new-1' }, given: ['password'] };
  const { notices } = await change(
    {
      [CLOUD]: '[Global]\n',
      '/etc/kubernetes/trust-alone': OLD.trust,
      '/etc/kubernetes/password-alone': OLD.password,
    },
    { by },
  );
  expect(notices).toEqual([['credentials-left', '/etc/kubernetes/password-alone']]);
});

test('passes over a file beside a known one that leads nowhere', async () => {
  const loop = '/etc/kubernetes/loop';
  const { contents, passedOver } = await change({ [CLOUD]: ini(OLD) }, { links: { [loop]: 'loop' } });
  expect(Object.keys(contents)).toEqual([CLOUD]);
  expect(passedOver).toEqual([loop]);
});

test.each([
  ['1234567', false],
  ['12345678', true],
])('%s is long enough to occur in no file by chance: %s', (value, is) => {
  expect(isTelling(value)).toBe(is);
});
