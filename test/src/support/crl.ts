import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openssl } from './openssl.ts';

/** PEM. */
export type Signer = { pem: string; key: string };

/** Makes a CA whose certificate contains key usages only if `usage` is given. */
export async function createSigner(newkey: readonly string[], usage?: string): Promise<Signer> {
  return await inFolder(async (at) => {
    const [key, pem] = [join(at, 'ca.key'), join(at, 'ca.pem')];
    const asked = usage === undefined ? [] : ['-addext', `keyUsage=critical,${usage}`];
    const words = ['-subj', '/CN=k1', '-days', '100', '-nodes', '-keyout', key, '-out', pem, ...asked];
    await openssl(['req', '-x509', '-newkey', ...newkey, ...words]);
    return { key: await readFile(key, 'utf8'), pem: await readFile(pem, 'utf8') };
  });
}

/** Issues a certificate for 127.0.0.1, as server and client, with this serial number in hex. */
export async function signLeaf(ca: Signer, serial: string): Promise<{ cert: string; key: string }> {
  return await inFolder(async (at) => {
    const file = (name: string): string => join(at, name);
    await writeFile(file('ca.pem'), ca.pem);
    await writeFile(file('ca.key'), ca.key);
    await writeFile(file('ext'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=clientAuth,serverAuth\n');
    const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('key')];
    await openssl(['req', '-new', ...fresh, '-subj', `/CN=c${serial}`, '-out', file('csr')]);
    const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-set_serial', `0x${serial}`];
    const words = ['-days', '9', '-extfile', file('ext'), '-out', file('crt')];
    await openssl(['x509', '-req', '-in', file('csr'), ...signer, ...words]);
    return { cert: await readFile(file('crt'), 'utf8'), key: await readFile(file('key'), 'utf8') };
  });
}

async function inFolder<T>(work: (path: string) => Promise<T>): Promise<T> {
  const at = await mkdtemp(join(tmpdir(), 'coe-crl-'));
  try {
    return await work(at);
  } finally {
    await rm(at, { recursive: true, force: true });
  }
}

/** The content of a list; the defaults are those of `openssl ca`. */
export type ListSpec = {
  number?: number | undefined;
  /** Serial numbers in hex. */
  serials?: readonly string[];
  /** Milliseconds since the epoch. */
  from?: number;
  until?: number;
  digest?: string;
  /** Lines of an extension section. */
  extensions?: readonly string[];
  sections?: readonly string[];
};

/** Makes a list of revoked certificates with the openssl program, as PEM and as DER. */
export async function makeList(ca: Signer, spec: ListSpec = {}): Promise<{ pem: string; der: Buffer }> {
  return await inFolder(async (at) => await makeListIn(at, ca, spec));
}

async function makeListIn(at: string, ca: Signer, spec: ListSpec): Promise<{ pem: string; der: Buffer }> {
  const file = (name: string): string => join(at, name);
  const { number, serials = [], digest = 'sha256', extensions = [], sections = [] } = spec;
  const now = Date.now();
  const { from = now - 60_000, until = now + 86_400_000 } = spec;
  await writeFile(file('ca.pem'), ca.pem);
  await writeFile(file('ca.key'), ca.key);
  await writeFile(
    file('index'),
    serials.map((serial) => `R\t391231235959Z\t251001000000Z\t${even(serial)}\tunknown\t/CN=x\n`).join(''),
  );
  if (number !== undefined) await writeFile(file('number'), even(number.toString(16)));
  await writeFile(
    file('cnf'),
    [
      '[ca]',
      'default_ca=list',
      '[list]',
      `database=${file('index')}`,
      ...(number === undefined ? [] : [`crlnumber=${file('number')}`]),
      ...(number === undefined && extensions.length === 0 ? [] : ['crl_extensions=extensions']),
      '[extensions]',
      ...extensions,
      ...sections,
      '',
    ].join('\n'),
  );
  const dates = ['-crl_lastupdate', asn1Time(from), '-crl_nextupdate', asn1Time(until)];
  const keys = ['-keyfile', file('ca.key'), '-cert', file('ca.pem'), '-md', digest];
  await openssl(['ca', '-config', file('cnf'), '-gencrl', ...keys, ...dates, '-out', file('crl')]);
  await openssl(['crl', '-in', file('crl'), '-outform', 'DER', '-out', file('der')]);
  return { pem: await readFile(file('crl'), 'utf8'), der: await readFile(file('der')) };
}

const even = (hex: string): string => (hex.length % 2 === 0 ? hex : `0${hex}`).toUpperCase();
const asn1Time = (ms: number): string =>
  new Date(ms).toISOString().replace(/\.\d+/, '').replaceAll(/[-:T]/g, '');
