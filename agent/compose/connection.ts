import { readFile } from 'node:fs/promises';
import type { Disk } from '../../src/base/disk.ts';
import { AgentError } from '../../src/base/errors.ts';
import { readTrusted } from '../../src/base/trust.ts';
import { isCertificate, pemBlocksIn } from '../../src/base/pem.ts';
import { CA_BUNDLE } from '../credentials/openstack-ca.ts';
import type { Log } from '../events.ts';
import { type Secrets, secretsOfUrl } from '../../src/base/secrets.ts';
import { given, type HeatParams, isFalse } from '../../src/metadata/heat-params.ts';
import type { Config } from '../config.ts';

export type Connection = {
  deadlineMs: number;
  /** The trusted PEM certificates; called on first use of TLS. undefined: the certificates that Node trusts. */
  ca: () => string | undefined;
  verify: boolean;
  proxy: { http: string | undefined; https: string | undefined; no: string | undefined };
};

/** Returns the path of the trust bundle for the cloud. The default file may be missing. */
export const caFileOf = ({ cloud }: Pick<Config, 'cloud'>): string => cloud.ca_file ?? CA_BUNDLE;

/**
 * Determines how this node connects to its cloud: its trust bundle and its proxy. heat-params overrides the
 * environment.
 *
 * @throws `config` when the configured CA file does not exist, or users other than root can change it
 */
export async function connectionOf(
  config: Config,
  params: HeatParams,
  env: NodeJS.ProcessEnv,
  { disk, log, secrets }: { disk: Disk; log: Log; secrets: Secrets },
): Promise<Connection> {
  const verify = !isFalse(params.get('VERIFY_CA'));
  if (!verify) log('tls-unverified', { heat_params: config.heat_params });
  const file = caFileOf(config);
  const bundle = await readTrusted(disk, file, 'config');
  if (bundle === undefined && config.cloud.ca_file !== undefined)
    throw new AgentError('config', `cloud.ca_file: there is no ${file}`);
  const setting = (name: string): string | undefined => given(params, name) ?? inEnvironment(env, name);
  return {
    deadlineMs: config.cloud.deadline_seconds * 1000,
    // The system's trust store, which curl uses too. Node's default is its built-in list.
    ca: () => (bundle === undefined || !verify ? systemCas() : trustedIn(bundle, file)),
    verify,
    proxy: proxiesOf(setting, { log, secrets }),
  };
}

/**
 * Determines how a person's own machine connects to the cloud.
 *
 * @throws `config` when the CA file does not exist
 */
export async function connectionOfPerson(
  { caFile, verify }: { caFile: string | undefined; verify: boolean },
  env: NodeJS.ProcessEnv,
  hands: { log: Log; secrets: Secrets },
): Promise<Connection> {
  if (!verify) hands.log('tls-unverified-by-person');
  const bundle = caFile === undefined ? undefined : await readCaFile(caFile);
  return {
    deadlineMs: PERSON_DEADLINE_MS,
    ca: () => (bundle === undefined || caFile === undefined ? systemCas() : trustedIn(bundle, caFile)),
    verify,
    proxy: proxiesOf((name) => inEnvironment(env, name), hands),
  };
}

const PERSON_DEADLINE_MS = 60_000;

async function readCaFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AgentError('config', `cacert: ${path} cannot be read`, { cause });
  }
}

const inEnvironment = (env: NodeJS.ProcessEnv, name: string): string | undefined =>
  env[name.toLowerCase()] || env[name] || undefined;

function proxiesOf(
  setting: (name: string) => string | undefined,
  { log, secrets }: { log: Log; secrets: Secrets },
): Connection['proxy'] {
  const proxy = (name: 'HTTP_PROXY' | 'HTTPS_PROXY'): string | undefined => {
    const value = setting(name);
    if (value === undefined) return undefined;
    for (const secret of secretsOfUrl(value)) secrets.add(secret);
    const url = httpUrl(value);
    if (url === undefined) log('proxy-ignored', { setting: name });
    return url;
  };
  return { http: proxy('HTTP_PROXY'), https: proxy('HTTPS_PROXY'), no: setting('NO_PROXY') };
}

/**
 * Accepts a proxy with or without its scheme, as curl and os-collect-config do. Node ignores a scheme it does not know.
 */
function httpUrl(text: string): string | undefined {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  return url && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

/**
 * Returns the bundle if it contains a readable certificate. Node treats a text without certificates as an empty trust
 * bundle, and then rejects every server.
 */
function trustedIn(bundle: string, file: string): string {
  // One readable certificate is enough: a damaged one must not empty the bundle.
  if (pemBlocksIn(bundle).some((block) => isCertificate(block) && isReadable(block.pem))) return bundle;
  throw new AgentError(
    'config',
    `the CA bundle ${file} contains no certificate: write the cloud's CAs into it, or remove it to trust the system's CAs`,
    { reason: 'ca-file-empty' },
  );
}

function isReadable(pem: string): boolean {
  try {
    return new (process.getBuiltinModule('node:crypto').X509Certificate)(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** Uses getBuiltinModule instead of an import, so that TLS is loaded on first use. */
const systemCas = (): string | undefined =>
  process.getBuiltinModule('node:tls').getCACertificates('system').join('\n') || undefined;
