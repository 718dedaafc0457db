import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  type Change,
  changeCredentials,
  credentialsIn,
  formatOf,
} from '../../../src/files/credential-file.ts';
import type { CredentialFormat } from '../../../src/files/credential-grammars.ts';
import { parseHeatParams } from '../../../src/metadata/heat-params.ts';
import { selectCredentials } from '../../../src/operation/credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'coe-credentials-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const OLD = {
  user: 'a1b2c3d4e5f60718293a4b5c6d7e8f90',
  userName: 'uuid_project',
  domain: 'magnum-domain-id',
  password: 'oldoldoldoldold',
  trust: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  region: 'RegionOne',
  authUrl: 'http://keystone/v3',
};
const FRESH = {
  user: 'feedfeedfeedfeedfeedfeedfeedfeed',
  userName: 'uuid_other',
  domain: 'other-domain-id',
  password: 'n3w',
  trust: 'beefbeefbeefbeefbeefbeefbeefbeef',
  region: 'RegionTwo',
  authUrl: 'https://keystone.example/v3',
};
const ALL = ['user', 'password', 'trust', 'region', 'authUrl'] as const;
const LOGIN = ['user', 'password', 'trust'] as const;
const change = (given: readonly (typeof ALL)[number][], fresh: Partial<typeof FRESH> = FRESH): Change => ({
  old: OLD,
  fresh: { ...OLD, ...Object.fromEntries(given.map((key) => [key, fresh[key] ?? FRESH[key]])) },
  given,
});
const changed = (text: string, format: CredentialFormat, what: Change, isOwn = format === 'shell') => {
  const { content, left } = changeCredentials(Buffer.from(text), format, what, isOwn);
  return { text: content.toString(), left };
};

const { userName: _name, domain: _domain, ...IN_CLOUD_CONFIG } = OLD;

/** As write-kube-os-config.sh of Magnum 15 writes it. */
const CLOUD_CONFIG = `[Global]
auth-url=${OLD.authUrl}
user-id=${OLD.user}
password=${OLD.password}
trust-id=${OLD.trust}
ca-file=/etc/kubernetes/ca-bundle.crt
region=${OLD.region}
[LoadBalancer]
use-octavia=True
password=${OLD.password}
[BlockStorage]
bs-version=v2
`;

test('replaces the login in a cloud-config, and keeps every other byte', () => {
  const { text, left } = changed(CLOUD_CONFIG, 'ini', change(LOGIN));
  expect(left).toEqual([]);
  const wanted = CLOUD_CONFIG.replace(OLD.user, FRESH.user)
    .replace(OLD.trust, FRESH.trust)
    // The password of the section [LoadBalancer] belongs to another login.
    .replace(OLD.password, FRESH.password);
  expect(text).toBe(wanted);
  expect(changed(text, 'ini', change(LOGIN))).toEqual({ text, left: [] });
});

test('keeps order, comments, quotes, Windows line ends and foreign bytes of heat-params, and reads the last of a repeated key', () => {
  const before = Buffer.concat([
    Buffer.from(
      [
        '# by hand',
        `TRUST_ID="dead"`,
        `  export TRUSTEE_USER_ID='${OLD.user}'   # whose`,
        `TRUSTEE_PASSWORD=${OLD.password}`,
        `TRUST_ID="${OLD.trust}"`,
        'SWIFT_REGION="RegionOne"',
        'NAME="caf',
      ].join('\r\n'),
    ),
    Buffer.from([0xe9]),
    Buffer.from('"\r\nLAST="no line end"'),
  ]);
  const { content, left } = changeCredentials(before, 'shell', change(LOGIN), true);
  const wanted = before
    .toString('latin1')
    .replace(OLD.user, FRESH.user)
    .replace(OLD.password, FRESH.password)
    .replace(OLD.trust, FRESH.trust);
  expect(content.toString('latin1')).toBe(wanted);
  expect(left).toEqual([]);
});

test('appends keys to heat-params that are missing or cannot be parsed', () => {
  const { text } = changed(`TRUST_ID="${OLD.trust}"\nTRUSTEE_PASSWORD="half`, 'shell', change(ALL));
  expect(text).toBe(
    `TRUST_ID="${FRESH.trust}"\nTRUSTEE_PASSWORD="half\nTRUSTEE_USER_ID="${FRESH.user}"\nTRUSTEE_PASSWORD="${FRESH.password}"\nREGION_NAME="${FRESH.region}"\nAUTH_URL="${FRESH.authUrl}"\n`,
  );
  expect(changed('', 'shell', change(['trust'])).text).toBe(`TRUST_ID="${FRESH.trust}"\n`);
});

test.each([
  ['another trust', OLD.trust, 'abc', { code: 'another', of: 'trust' }],
  ['another user', OLD.user, 'abc', { code: 'another', of: 'user' }],
  ['a trust in two pieces', OLD.trust, 'a"b"', { code: 'not-understood', of: 'trust' }],
  ['a continued line', OLD.password, 'a\\\nb', { code: 'not-understood', of: 'password' }],
])('leaves a file with %s unchanged', (_, what, other, why) => {
  const text = CLOUD_CONFIG.replace(what, other);
  expect(changed(text, 'ini', change(LOGIN))).toMatchObject({ text, left: [why] });
});

test("keeps another region, and adds a missing one in the file's style", () => {
  const other = changed(CLOUD_CONFIG.replace('RegionOne', 'North'), 'ini', change(['trust', 'region']));
  expect(other.left).toMatchObject([{ code: 'another', of: 'region' }]);
  expect(other.text).toContain(`trust-id=${FRESH.trust}`);
  expect(other.text).toContain('region=North\n');
  const none = CLOUD_CONFIG.replaceAll('\n', '\r\n')
    .replaceAll('=', ' = ')
    .replace('region = RegionOne\r\n', '');
  expect(changed(none, 'ini', change(['region'])).text).toBe(
    none.replace(`${OLD.trust}\r\n`, `${OLD.trust}\r\nregion = RegionTwo\r\n`),
  );
});

test('compares addresses without their version', () => {
  const text = CLOUD_CONFIG.replace('/v3', '/');
  expect(changed(text, 'ini', change(['authUrl'])).text).toContain(`auth-url=${FRESH.authUrl}\n`);
});

/** As volume-service.sh and enable-ingress-octavia.sh write theirs. */
const REXRAY = `libstorage:
  service: openstack
openstack:
  authUrl:  ${OLD.authUrl}
  userID:   ${OLD.user}
  password: ${OLD.password} # rexray's
  trustID:  ${OLD.trust}
`;
const INGRESS = `kind: ConfigMap
data:
  config: |
    cluster-name: k1
    openstack:
      auth-url: ${OLD.authUrl}
      user-id: ${OLD.user}
      password: ${OLD.password}
      trust-id: ${OLD.trust}
      region: RegionOne
    octavia:
      password: ${OLD.password}
`;

test.each([
  ['rexray', REXRAY],
  ['an ingress controller', INGRESS],
])('replaces a login in YAML of %s', (_, text) => {
  expect(formatOf(text)).toBe('yaml');
  expect(changed(text, 'yaml', change(LOGIN)).text).toBe(
    text.replace(OLD.user, FRESH.user).replace(OLD.trust, FRESH.trust).replace(OLD.password, FRESH.password),
  );
});

/** As configure-docker-registry.sh writes it. */
const REGISTRY = `version: 0.1
storage:
  swift:
    authurl: "${OLD.authUrl}"
    region: "RegionOne"
    username: "${OLD.userName}"
    password: "${OLD.password}"
    domainid: "${OLD.domain}"
    trustid: "${OLD.trust}"
    container: "docker_registry"
http:
    addr: :5000
`;
const WITH_NAME = ['user', 'userName', 'domain', 'password', 'trust'] as const;
const REGISTRY_WANTED = REGISTRY.replace(OLD.userName, FRESH.userName)
  .replace(OLD.domain, FRESH.domain)
  .replace(OLD.password, FRESH.password)
  .replace(OLD.trust, FRESH.trust);

test('gives the registry the name of the trustee', () => {
  expect(formatOf(REGISTRY)).toBe('yaml');
  const what = { old: OLD, fresh: { ...FRESH, region: OLD.region, authUrl: OLD.authUrl }, given: WITH_NAME };
  expect(changed(REGISTRY, 'yaml', what)).toEqual({ text: REGISTRY_WANTED, left: [] });
});

test("leaves alone the registry of another user, and that of the node if the new user's name is unknown", () => {
  const elses = REGISTRY.replace(OLD.userName, 'somebody');
  const what = { old: OLD, fresh: { ...FRESH, region: OLD.region }, given: WITH_NAME };
  expect(changed(elses, 'yaml', what)).toMatchObject({
    text: elses,
    left: [{ code: 'another', of: 'userName' }],
  });
  const nameless = { ...what, fresh: { ...what.fresh, userName: '' } };
  expect(changed(REGISTRY, 'yaml', nameless)).toMatchObject({
    text: REGISTRY,
    left: [{ code: 'not-understood', of: 'userName' }],
  });
});

test('replaces the name in heat-params that have one, and adds none', () => {
  const what = { old: OLD, fresh: FRESH, given: ['userName', 'domain'] as const };
  const text = `TRUSTEE_USERNAME="${OLD.userName}"\n`;
  expect(changed(text, 'shell', what).text).toBe(`TRUSTEE_USERNAME="${FRESH.userName}"\n`);
  expect(changed('TRUST_ID="x"\n', 'shell', what).text).toBe('TRUST_ID="x"\n');
});

test('replaces a login in a cloud-config inside a manifest', () => {
  const indented = CLOUD_CONFIG.replaceAll(/^(?=.)/gm, '    ');
  const text = `kind: Secret\nstringData:\n  cloud-config: |-\n${indented}---\npassword: ${OLD.password}\n`;
  expect(formatOf(text)).toBe('ini');
  expect(credentialsIn(Buffer.from(text), 'ini')).toEqual([IN_CLOUD_CONFIG]);
  expect(changed(text, 'ini', change(['trust'])).text).toBe(text.replace(OLD.trust, FRESH.trust));
});

/** Every password that is accepted. */
const password = fc
  .oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[ "'#;$`\\=a:\-{}[\]|>&*!%@1-3.]{1,12}$/),
  )
  .filter((value) => selectCredentials({ trustee_password: value }).kind !== 'refuse');
const line = fc.oneof(
  fc.stringMatching(/^[A-Z_]{1,8}="[a-z =#;]{0,9}"$/),
  fc.constantFrom('', '# TRUST_ID="x"', 'no line', '\t'),
);
const style = fc.constantFrom(
  (value: string) => `"${value}"`,
  (value: string) => `'${value}'`,
  (value: string) => value,
);

test('writes any accepted password to heat-params as a shell and this program read it, and changes nothing else', () => {
  fc.assert(
    fc.property(password, fc.array(line), fc.array(line), style, (value, before, after, quote) => {
      const around = (middle: string): string => [...before, middle, ...after].join('\n');
      const text = around(`TRUSTEE_PASSWORD=${quote(OLD.password)}`);
      const result = changed(text, 'shell', change(['password'], { password: value })).text;
      expect(parseHeatParams(result).get('TRUSTEE_PASSWORD')).toBe(value);
      const lines = result.split('\n');
      expect(lines.toSpliced(before.length, 1)).toEqual(text.split('\n').toSpliced(before.length, 1));
      writeFileSync(join(folder, 'heat-params'), `${lines[before.length]}\n`);
      const script = '. "$0"; printf %s "$TRUSTEE_PASSWORD"';
      const { stdout } = spawnSync('sh', ['-c', script, join(folder, 'heat-params')], { encoding: 'utf8' });
      expect(stdout).toBe(value);
    }),
    { numRuns: 150 },
  );
});

const GIT = spawnSync('git', ['--version']).status === 0;

test.skipIf(!GIT)(
  "writes any accepted password to a cloud-config as git reads it, which shares gcfg's dialect",
  () => {
    const file = join(folder, 'cloud-config');
    const styles = fc.constantFrom(
      CLOUD_CONFIG,
      CLOUD_CONFIG.replace(OLD.password, `"${OLD.password}" ; who`),
    );
    fc.assert(
      fc.property(password, styles, (value, text) => {
        const result = changed(text, 'ini', change(['password'], { password: value })).text;
        const at = text.split('\n').findIndex((one) => one.startsWith('password='));
        expect(result.split('\n').toSpliced(at, 1)).toEqual(text.split('\n').toSpliced(at, 1));
        writeFileSync(file, result);
        const read = execFileSync('git', ['config', '-z', '-f', file, '--get', 'global.password'], {
          encoding: 'utf8',
        });
        expect(read).toBe(`${value}\0`);
        expect(credentialsIn(Buffer.from(result), 'ini')).toEqual([{ ...IN_CLOUD_CONFIG, password: value }]);
      }),
      { numRuns: 150 },
    );
  },
);

test('writes any accepted password to YAML as a parser reads it', () => {
  const styles = fc.constantFrom(
    REXRAY,
    REXRAY.replace(OLD.password, `'${OLD.password}'`),
    REXRAY.replace(OLD.password, `"${OLD.password}"`),
  );
  fc.assert(
    fc.property(password, styles, (value, text) => {
      const result = changed(text, 'yaml', change(['password'], { password: value })).text;
      for (const version of ['1.1', '1.2'] as const)
        expect(parse(result, { version })).toMatchObject({
          openstack: { password: value, trustID: OLD.trust },
        });
      expect(result).toContain("# rexray's\n");
      // Reverts to the former password.
      const back = { old: { ...OLD, password: value }, fresh: OLD, given: ['password'] as const };
      expect(credentialsIn(Buffer.from(changed(result, 'yaml', back).text), 'yaml')).toMatchObject([
        { password: OLD.password },
      ]);
    }),
    { numRuns: 300 },
  );
});

test('accepts any text, and changes nothing without the former values', () => {
  const format = fc.constantFrom('ini' as const, 'yaml' as const);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), format, (text, kind) => {
      expect(changed(text, kind, change(ALL)).text).toBe(text.toWellFormed());
    }),
  );
});
