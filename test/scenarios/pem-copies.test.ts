import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { at } from '../cloud/exchange.ts';
import { jsonObject, listIn } from '../src/support/fixtures.ts';
import { createCa } from '../src/support/openssl.ts';
import { cli } from './support/cli.ts';
import { createSite, type Site } from './support/site.ts';

/**
 * Copies of a certificate and its key in an operator's own files. Either both are renewed or both stay, and the rest is
 * reported.
 */

const cloud = await cloudForFile();

const CERTS = '/etc/kubernetes/certs';
type Files = Record<string, string | Buffer>;
type Pair = { certificate: string; key: string };

const pairOf = async ({ node }: Site, name = 'server'): Promise<Pair> => ({
  certificate: await node.read(`${CERTS}/${name}.crt`),
  key: await node.read(`${CERTS}/${name}.key`),
});

const run = (input: string, ...args: string[]): string =>
  execFileSync('openssl', [...args, '-passout', 'pass:pw'], {
    input,
    stdio: ['pipe', 'pipe', 'ignore'],
  }).toString();
const encrypted = ({ key }: Pair): string => run(key, 'pkcs8', '-topk8', '-v2', 'aes-256-cbc');
/** With headers: `Proc-Type: 4,ENCRYPTED`. */
const encryptedWithHeaders = ({ key }: Pair): string => run(key, 'ec', '-aes256');

/** Rotates a master with these files, and returns the answer. */
async function rotated(
  files: (now: Pair, site: Site) => Files | Promise<Files>,
): Promise<{ site: Site; before: Files; stdout: string }> {
  const site = await createSite(cloud, { role: 'master' });
  const before = await files(await pairOf(site), site);
  for (const [path, text] of Object.entries(before)) await site.node.write(path, text);
  await cloud.rotateCa(site.cluster);
  await site.pass();
  const body = site.signals().at(-1)?.body;
  expect(body).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  return { site, before, stdout: String(at(body, 'deploy_stdout')) };
}

/** The first certificate and the first key of a text, as a strict parser reads them. */
const leafIn = (text: string): X509Certificate =>
  new X509Certificate(/-----BEGIN CERTIFICATE[\s\S]*?-----END CERTIFICATE-----/.exec(text)?.[0] ?? '');
const keyIn = (text: string): ReturnType<typeof createPublicKey> =>
  createPublicKey(createPrivateKey(/-----BEGIN [A-Z ]*PRIVATE KEY[\s\S]*?KEY-----/.exec(text)?.[0] ?? ''));

const yaml = ({ certificate }: Pair): string =>
  `data:\n  tls: |\n${certificate.replaceAll(/^(?=.)/gm, '    ')}  other: x\n`;

describe('renews certificate and key', () => {
  test.each<[string, (now: Pair) => string]>([
    // RFC 7468, section 3: white space after the dashes, which OpenSSL accepts.
    [
      'a blank after the END line',
      ({ certificate, key }) => certificate.replace(/-----\n$/, '----- \n') + key,
    ],
    ['no line feed between the blocks', ({ certificate, key }) => certificate.trimEnd() + key],
    ['CRLF and blanks', ({ certificate, key }) => (certificate + key).replaceAll('\n', ' \r\n')],
    ['the key first', ({ certificate, key }) => key + certificate],
    [
      'text around the blocks',
      ({ certificate, key }) => `Bag Attributes\n${certificate}Key Attributes\n${key}# end`,
    ],
    [
      'an indented block, as in YAML',
      ({ certificate, key }) => `tls: |\n${(certificate + key).replaceAll(/^(?=.)/gm, '  ')}`,
    ],
  ])('in one file with %s', async (_, combine) => {
    const path = '/etc/kubernetes/combined.pem';
    const { site, before } = await rotated((now) => ({ [path]: combine(now) }));
    const [text, now] = [await site.node.read(path), await pairOf(site)];
    const strict = text.replaceAll(/^ +/gm, '').replaceAll('\r', '');
    expect(leafIn(strict).fingerprint256).toBe(new X509Certificate(now.certificate).fingerprint256);
    expect(keyIn(strict).equals(leafIn(strict).publicKey)).toBe(true);
    expect(text).not.toBe(before[path]);
    // A second rotation reads what the first has written.
    await cloud.rotateCa(site.cluster);
    await site.pass();
    expect(await site.node.read(path)).not.toBe(text);
  });

  test('in an indented block, whose column and surroundings stay', async () => {
    const path = '/etc/kubernetes/secret.yaml';
    const { site } = await rotated((now) => ({ [path]: yaml(now) }));
    expect(await site.node.read(path)).toBe(yaml(await pairOf(site)));
  });

  test('in two files with matching names', async () => {
    const { site } = await rotated(({ certificate, key }) => ({
      '/etc/kubernetes/tls.crt': certificate,
      '/etc/kubernetes/tls.key': key,
      '/etc/etcd/cert.pem': certificate,
      '/etc/etcd/key.pem': key,
    }));
    const now = await pairOf(site);
    for (const [certificate, key] of [
      ['kubernetes/tls.crt', 'kubernetes/tls.key'],
      ['etcd/cert.pem', 'etcd/key.pem'],
    ]) {
      expect(await site.node.read(`/etc/${certificate}`)).toBe(now.certificate);
      expect(await site.node.read(`/etc/${key}`)).toBe(now.key);
    }
  });

  test("of which only the certificate is a copy and the key is the layout's", async () => {
    const { site } = await rotated(({ certificate }) => ({ '/etc/kubernetes/public.crt': certificate }));
    expect(await site.node.read('/etc/kubernetes/public.crt')).toBe((await pairOf(site)).certificate);
  });
});

const CANNOT = 'does not match or cannot be read';

describe('keeps and reports both halves', () => {
  test.each<[string, (now: Pair, site: Site) => Files | Promise<Files>, string]>([
    [
      'a certificate beside its encrypted key',
      (now) => ({
        [`${CERTS}/front.crt`]: now.certificate,
        [`${CERTS}/front.key`]: encrypted(now),
      }),
      `${CERTS}/front.crt keeps its old certificate server: the key in ${CERTS}/front.key ${CANNOT}`,
    ],
    [
      'the same with the encryption of RFC 1421',
      (now) => ({
        '/etc/kubernetes/front-cert.pem': now.certificate,
        '/etc/kubernetes/front-key.pem': encryptedWithHeaders(now),
      }),
      `/etc/kubernetes/front-cert.pem keeps its old certificate server: the key in /etc/kubernetes/front-key.pem ${CANNOT}`,
    ],
    [
      'a certificate and an encrypted key in one file',
      (now) => ({ '/etc/kubernetes/front.pem': now.certificate + encrypted(now) }),
      `/etc/kubernetes/front.pem keeps its old certificate server: its key in the same file ${CANNOT}`,
    ],
    [
      'a key beside a damaged certificate',
      ({ certificate, key }) => ({
        '/etc/kubernetes/front.pem': `${certificate.replace('MII', 'MIX')}${key}`,
      }),
      `/etc/kubernetes/front.pem keeps its old key server: its certificate in the same file ${CANNOT}`,
    ],
    [
      'a certificate beside the key of another',
      async ({ certificate }, site) => ({
        '/etc/kubernetes/front.crt': certificate,
        '/etc/kubernetes/front.key': (await pairOf(site, 'admin')).key,
      }),
      `/etc/kubernetes/front.crt keeps its old certificate server: the key in /etc/kubernetes/front.key ${CANNOT}`,
    ],
    [
      'a pair that a kubeconfig names, of which the key is encrypted',
      (now) => ({
        '/srv/a/one.pem': now.certificate,
        '/srv/b/two.pem': encrypted(now),
        '/etc/kubernetes/tools.conf':
          'clusters: []\nusers: [{ name: u, user: { client-certificate: /srv/a/one.pem, client-key: /srv/b/two.pem } }]\n',
      }),
      `/srv/a/one.pem keeps its old certificate server: it is used with the key in /srv/b/two.pem, which ${CANNOT}`,
    ],
    [
      'a key beside its certificate in DER',
      ({ certificate, key }) => ({
        '/etc/kubernetes/front.crt': new X509Certificate(certificate).raw,
        '/etc/kubernetes/front.key': key,
      }),
      `/etc/kubernetes/front.key keeps its old key server: the certificate in /etc/kubernetes/front.crt ${CANNOT}`,
    ],
    [
      'a certificate beside its key in DER',
      ({ certificate, key }) => ({
        '/etc/kubernetes/front.crt': certificate,
        '/etc/kubernetes/front.key': createPrivateKey(key).export({ type: 'sec1', format: 'der' }),
      }),
      `/etc/kubernetes/front.crt keeps its old certificate server: the key in /etc/kubernetes/front.key ${CANNOT}`,
    ],
    [
      'a certificate in DER alone',
      ({ certificate }) => ({ '/etc/kubernetes/public.der': new X509Certificate(certificate).raw }),
      '/etc/kubernetes/public.der keeps its old certificate server: only copies in PEM are renewed',
    ],
    [
      'a CA in DER',
      async (_, { node }) => ({
        '/etc/kubernetes/cluster-ca.cer': new X509Certificate(await node.read(`${CERTS}/ca.crt`)).raw,
      }),
      '/etc/kubernetes/cluster-ca.cer keeps its old CA: only copies in PEM are renewed',
    ],
    [
      'a kubeconfig that embeds one half of it',
      async ({ certificate }) => ({
        '/etc/kubernetes/tools.conf': `clusters: []\nusers: [{ name: u, user: { client-certificate-data: ${Buffer.from(certificate).toString('base64')}, client-key-data: ${Buffer.from((await createCa()).key).toString('base64')} } }]\n`,
      }),
      `/etc/kubernetes/tools.conf keeps its old certificate server: its key ${CANNOT}`,
    ],
  ])('%s', async (_, files, words) => {
    const { site, before, stdout } = await rotated(files);
    for (const [path, content] of Object.entries(before))
      expect(await readFile(join(site.node.root, path)), path).toEqual(Buffer.from(content));
    expect(stdout).toContain(words);
  });
});

test('agent certs says for each readable pair whether its key fits', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const [now, admin] = [await pairOf(site), await pairOf(site, 'admin')];
  const files = {
    '/etc/kubernetes/joined.pem': [now.certificate.trimEnd() + now.key, true],
    '/etc/kubernetes/blank.pem': [(now.certificate + now.key).replaceAll('\n', ' \n'), true],
    '/etc/kubernetes/mixed.pem': [now.certificate + admin.key, false],
    // Whether an unreadable key fits is unknown.
    '/etc/kubernetes/encrypted.pem': [now.certificate + encrypted(now), null],
  } as const;
  for (const [path, [text]] of Object.entries(files)) await site.node.write(path, text);
  const copies = listIn(jsonObject((await cli(site, ['certs', '--json'])).stdout), 'copies');
  for (const [path, [, fits]] of Object.entries(files))
    expect(
      copies.find((copy) => at(copy, 'file') === path),
      path,
    ).toMatchObject({ keyFits: fits });
});

test('agent doctor and agent plan report beforehand what a rotation will not renew', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const now = await pairOf(site);
  await site.node.write(`${CERTS}/front.crt`, now.certificate);
  await site.node.write(`${CERTS}/front.key`, encrypted(now));
  const words = `${CERTS}/front.crt keeps its old certificate server: the key in ${CERTS}/front.key ${CANNOT}`;
  await cloud.rotateCa(site.cluster);
  for (const verb of ['doctor', 'plan']) expect((await cli(site, [verb])).stdout, verb).toContain(words);
});
