import { expect, test } from 'vitest';
import { type NotRead, whyNotRead } from '../../../agent/revocation/list-named.ts';
import type { RevocationListRow } from '../../../src/certificates/layout.ts';
import { settingsOf } from '../../../src/services/unit-settings.ts';
import { NEVER } from '../../src/support/clock.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const LIST = '/etc/tls/clients.crl';

async function why(
  reader: RevocationListRow['reader'],
  said: string,
  files: Record<string, string> = {},
  namedIn: string[] = [],
): Promise<NotRead['code'] | undefined> {
  const { disk, write } = await tempRoot();
  for (const [path, text] of Object.entries(files)) await write(path, text);
  const file = { path: LIST, owner: 'root', group: 'root', mode: 0o644, directoryMode: 0o755 };
  const row: RevocationListRow = { ca: 'etcd', file, unit: 'x', reader, namedIn };
  const found = await whyNotRead(
    row,
    { disk, unitSettings: async () => await Promise.resolve(settingsOf(said)) },
    NEVER,
  );
  return found?.code;
}

/** As systemd 252 prints it. */
const command = (words: string): string =>
  `ExecStart={ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd ${words} ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }`;

test.each<[string, string, Record<string, string>?]>([
  ['an option', command(`--name a --client-crl-file=${LIST} --b`)],
  ['an option and its value', command(`--client-crl-file ${LIST}`)],
  ['with one dash', command(`-client-crl-file=${LIST}`)],
  ['its environment', `${command('')}\nEnvironment=A=b ETCD_CLIENT_CRL_FILE=${LIST}`],
  [
    'a file of its environment',
    `EnvironmentFiles=/etc/default/none (ignore_errors=yes)\nEnvironmentFiles=/etc/default/etcd (ignore_errors=no)`,
    { '/etc/default/etcd': `# the list\nETCD_CLIENT_CRL_FILE="${LIST}"\n` },
  ],
])("finds an etcd's list by %s", async (_, said, files) => {
  expect(await why('etcd', said, files)).toBeUndefined();
});

test.each<[string, string, Record<string, string>?]>([
  ['nothing', command('--name a')],
  ['the list of its peers', command(`--peer-crl-file=${LIST}`)],
  ['another file', command(`--client-crl-file=${LIST}.old`)],
  ['another file that ends like it', command(`--client-crl-file=/root${LIST}`)],
  ['a comment', 'EnvironmentFiles=/e (ignore_errors=no)', { '/e': `# ETCD_CLIENT_CRL_FILE=${LIST}\n` }],
])('does not find it by %s', async (_, said, files) => {
  expect(await why('etcd', said, files)).toBe('list-not-named');
});

test('ignores the option of an etcd with a configuration file', async () => {
  const said = command(`--config-file=/etc/etcd.yaml --client-crl-file=${LIST}`);
  expect(await why('etcd', said)).toBe('setting-overlooked');
});

test('accepts any mention for other units, in a file or in files of a directory', async () => {
  const conf = `server {\n  ssl_crl ${LIST};\n}\n`;
  expect(
    await why('openssl', '', { '/etc/nginx/nginx.conf': conf }, ['/etc/nginx/nginx.conf']),
  ).toBeUndefined();
  expect(
    await why('openssl', '', { '/etc/nginx/conf.d/a.conf': conf }, ['/etc/nginx/conf.d']),
  ).toBeUndefined();
  const haproxy = `frontend x\n  bind :443 ssl crt /a.pem ca-file /ca.pem verify required crl-file ${LIST}\n`;
  expect(await why('openssl', '', { '/h.cfg': haproxy }, ['/h.cfg'])).toBeUndefined();
  expect(await why('openssl', '', { '/n.conf': `  # ssl_crl ${LIST};` }, ['/n.conf', '/none'])).toBe(
    'list-not-named',
  );
});
