import type { Instrument } from '../../../agent/compose.ts';
import { FORMER } from '../../../agent/credentials/former.ts';
import type { Http } from '../../../src/openstack/http.ts';
import { at } from '../../cloud/exchange.ts';
import { cli, type Said } from './cli.ts';
import type { Site } from './site.ts';

/** Secrets by a name of their own. */
export type Canaries = Map<string, string>;

/** Everything that the program has printed or stored, by place. */
export type Speech = Map<string, string>;

/** A password that needs different escapes in JSON, in an address and in a shell. */
export const trickyPassword = (name: string): string => `${name} "c'n\\ry" +/%&=é;$(x)`;

/** An HTTP client that records each token that Keystone issues. */
export const noteTokens =
  (canaries: Canaries, real: Http): Http =>
  async (request) => {
    const answer = await real(request);
    const token = answer.headers['x-subject-token'];
    if (token !== undefined) canaries.set(`token ${canaries.size}`, token);
    return answer;
  };

/** Services that answer with the request: plainly, and as JSON within JSON, in turn. */
export function createEcho(): {
  set(path: RegExp | undefined, status: number): void;
  around(real: Http): Http;
} {
  let echoed: { path: RegExp; status: number } | undefined;
  let plainly = true;
  return {
    set: (path, status) => {
      echoed = path && { path, status };
    },
    around: (real) => async (request) => {
      const [address = '', query = ''] = request.url.split('?');
      if (!echoed?.path.test(address)) return await real(request);
      const token = request.headers?.['x-auth-token'] ?? '';
      const repeated = `you said ${token} ${query} ${request.body ?? ''}`;
      plainly = !plainly;
      const text = plainly ? repeated : JSON.stringify({ error: { message: repeated } });
      return { status: echoed.status, headers: {}, text };
    },
  };
}

/** Records the secrets of a site: passwords, the signature of its address, keys on disk and in inputs. */
export async function noteSecrets(site: Site, canaries: Canaries): Promise<void> {
  const { cluster, server } = site;
  const note = (name: string, value: unknown): void => {
    if (typeof value === 'string' && value !== '') canaries.set(name, value);
  };
  note(
    'the trustee',
    (await site.node.read('/etc/sysconfig/heat-params')).match(/^TRUSTEE_PASSWORD="(.*)"$/m)?.[1],
  );
  note('the poller', cluster.collectConfig(server).heat.password);
  for (const deployment of cluster.stack.deploymentsOn(server))
    for (const input of deployment.inputs) {
      if (input.name === 'deploy_password') note(`the signaller of ${deployment.id}`, input.value);
      if (input.name === 'keystone_token') note(`keystone_token of ${deployment.id}`, input.value);
      if (input.name === 'deploy_signal_id')
        note(`the signature of ${deployment.id}`, new URL(String(input.value)).searchParams.get('Signature'));
    }
  note('service-account key', at(cluster.stack.parameters, 'kube_service_account_private_key'));
  for (const [path, { content }] of await site.files())
    if (content.includes('PRIVATE KEY'))
      canaries.set(`${path} ${content.length}${content.slice(60, 70)}`, content);
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The forms in which a value may appear. */
function spellings(value: string): string[] {
  if (value.includes('PRIVATE KEY')) {
    const body = value
      .replaceAll(String.raw`\n`, '\n')
      .split('\n')
      .filter((line) => !line.includes('-----'));
    const whole = Buffer.from(value).toString('base64');
    // Any whole line of a key is too much; so is the key within a kubeconfig's base64.
    return [...body.filter((line) => line.length > 20), whole];
  }
  return [
    value,
    inJson(value),
    inJson(inJson(value)),
    inJson(inJson(inJson(value))),
    encodeURIComponent(value),
    new URLSearchParams({ v: value }).toString().slice(2),
    value.replaceAll("'", String.raw`'\''`),
    value.replaceAll(/[^A-Za-z0-9_./+%&=é-]/g, String.raw`\$&`),
    Buffer.from(value).toString('base64'),
    Buffer.from(`${value}\n`).toString('base64'),
    ...['', 'x', 'xy'].map((before) => insideBase64(before, value)),
    Buffer.from(value).toString('hex'),
  ];
}

/** The part of a longer text's base64 that depends only on a value in it. */
const insideBase64 = (before: string, value: string): string =>
  Buffer.from(before + value)
    .toString('base64')
    .slice(Math.ceil((before.length * 4) / 3), Math.floor((Buffer.byteLength(before + value) * 4) / 3));

/** Lists where which canary was found. */
export const sightings = (speech: Speech, canaries: Canaries): string[] =>
  [...speech].flatMap(([where, text]) =>
    [...canaries]
      .filter(([, value]) => spellings(value).some((spelling) => text.includes(spelling)))
      .map(([name, value]) => `${where}: ${name} (${extract(text, value)})`),
  );

function extract(text: string, value: string): string {
  const found = spellings(value).find((spelling) => text.includes(spelling)) ?? '';
  const start = text.indexOf(found);
  return text.slice(Math.max(0, start - 80), start + 20);
}

/** Records the content of the node's own records and of Heat, but for the record whose purpose is a former login. */
export async function noteRecords(site: Site, speech: Speech): Promise<void> {
  for (const folder of ['/var/lib/coe-agent', '/run/coe-agent', '/var/log/coe-agent'])
    for (const [path, { content }] of await site.files(folder))
      if (path !== FORMER) speech.set(path, content);
  speech.set('signals', JSON.stringify(site.signals().map(({ body }) => body)));
}

const READERS = [['status'], ['plan'], ['doctor'], ['certs'], ['run-once', '--dry-run']] as const;

/** Runs every read-only verb, in both formats, at the lowest log level. */
export async function noteReaders(site: Site, speech: Speech, instrument: Instrument): Promise<void> {
  for (const verb of READERS)
    for (const form of [[], ['--json']]) {
      const argv = [...verb, ...form, '--log-level', 'debug'];
      noteSaid(argv.join(' '), await cli(site, argv, instrument), speech);
    }
}

export function noteSaid(name: string, { stdout, stderr }: Said, speech: Speech): void {
  speech.set(`${name} stdout ${speech.size}`, stdout);
  speech.set(`${name} stderr ${speech.size}`, stderr);
}
