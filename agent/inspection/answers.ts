import type { X509Certificate } from 'node:crypto';
import { hostPort } from '../../src/base/address.ts';
import { readText } from '../../src/base/disk.ts';
import { AgentError, codeOf, errnoOf, explain } from '../../src/base/errors.ts';
import { pollUntil } from '../../src/base/poll.ts';
import { certificatesIn, fingerprint, serialOf } from '../../src/certificates/read.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Hands } from '../hands.ts';
import type { Finding } from './finding.ts';
import { seeAccepted } from './unit-credential.ts';

type AnswerHands = Pick<Hands, 'presented' | 'askHealth' | 'disk' | 'clock' | 'secrets' | 'openKubernetes'>;

/** Wait for a unit that may have just started. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 1000;

/**
 * Connects to a running unit at the address of its later proof: if the port is silent now, its later silence proves
 * nothing. A unit that reports to be unhealthy may be the case that a rotation repairs.
 *
 * @throws `aborted`
 */
export async function seeAnswers(
  { name: unit, probe, health, kubeconfig }: UnitPlan,
  hands: AnswerHands,
  abort: AbortSignal,
): Promise<Finding[]> {
  const [port, well, credential] = await Promise.all([
    probe && askPort(unit, probe, hands, abort),
    health && askWell(unit, health, hands, abort),
    kubeconfig === undefined ? undefined : askCredential(unit, kubeconfig, hands, abort),
  ]);
  return [port, well, credential].flatMap((found) => found ?? []);
}

async function askPort(
  unit: string,
  { host, port, file }: NonNullable<UnitPlan['probe']>,
  hands: AnswerHands,
  abort: AbortSignal,
): Promise<Finding[]> {
  const about = { id: 'port', of: unit, url: `https://${hostPort(host, port)}` } as const;
  try {
    const seen = await patiently(hands, abort, async () => await hands.presented(host, port, abort));
    const what = `${unit} presents ${describe(seen)} on ${hostPort(host, port)}`;
    return [{ ...about, verdict: 'good', what }, ...(await compareWithFile(about, seen, file, hands))];
  } catch (error) {
    if (codeOf(error) === 'aborted' || !(error instanceof AgentError)) throw error;
    const what = `${unit} runs but presents no certificate: ${explain(error)}; correct services.units.${unit} (host, port, or prove: false), or restart it`;
    return [{ ...about, verdict: 'bad', reason: 'silent', what }];
  }
}

/** Reports a unit that has not reloaded a replaced file. Other findings report a file without a certificate. */
async function compareWithFile(
  { of: unit, url }: { of: string; url: string },
  seen: X509Certificate,
  file: string,
  { disk }: AnswerHands,
): Promise<Finding[]> {
  const held = await heldIn(file, disk);
  if (!held) return [];
  const about = { id: 'presented', of: unit, url } as const;
  if (fingerprint(held) === fingerprint(seen))
    return [{ ...about, verdict: 'good', what: `${unit} presents the certificate in ${file}` }];
  const what = `${unit} does not present the certificate in ${file} (it presents serial ${serialOf(seen)}, the file has ${serialOf(held)})`;
  return [{ ...about, verdict: 'bad', reason: 'differs', isMended: true, what }];
}

async function heldIn(file: string, disk: Hands['disk']): Promise<X509Certificate | undefined> {
  try {
    return certificatesIn((await readText(disk, file)) ?? '', file)[0];
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return undefined;
  }
}

async function askWell(
  unit: string,
  health: NonNullable<UnitPlan['health']>,
  hands: AnswerHands,
  abort: AbortSignal,
): Promise<Finding> {
  const about = { id: 'health', of: unit, url: health.url } as const;
  try {
    await patiently(hands, abort, async () => {
      await askHealthAs(health, hands, abort);
    });
    return { ...about, verdict: 'good', what: `${unit} is well at ${health.url}` };
  } catch (error) {
    if (codeOf(error) === 'aborted' || !(error instanceof AgentError)) throw error;
    const why = explain(error);
    if (!isSilent(error))
      return {
        ...about,
        verdict: 'bad',
        reason: 'unwell',
        isMended: true,
        what: `${unit} is not well: ${why}`,
      };
    const what = `${unit} runs but its health address is silent: ${why}; correct services.units.${unit}.health, or restart it`;
    return { ...about, verdict: 'bad', reason: 'silent', what };
  }
}

/** Tests a credential. A rotation may renew one that the API rejects now. */
async function askCredential(
  unit: string,
  kubeconfig: string,
  hands: AnswerHands,
  abort: AbortSignal,
): Promise<Finding> {
  const about = { id: 'credential', of: unit, login: kubeconfig } as const;
  try {
    const why = await seeAccepted(kubeconfig, hands, abort);
    if (why === undefined)
      return { ...about, verdict: 'good', what: `the Kubernetes API accepts ${kubeconfig} of ${unit}` };
    const what = `cannot verify that the Kubernetes API accepts ${kubeconfig} of ${unit}: ${why}`;
    return { ...about, verdict: 'warning', reason: 'unseen', what };
  } catch (error) {
    if (codeOf(error) === 'aborted' || !(error instanceof AgentError)) throw error;
    const what = `the Kubernetes API does not accept ${kubeconfig} of ${unit}: ${explain(error)}`;
    return { ...about, verdict: 'bad', reason: 'refused', isMended: true, what };
  }
}

/** Asks a unit for its health with the client certificate that its files hold now. */
export async function askHealthAs(
  { url, identity }: NonNullable<UnitPlan['health']>,
  { disk, askHealth }: Pick<Hands, 'disk' | 'askHealth'>,
  abort: AbortSignal,
): Promise<void> {
  const text = async (path: string): Promise<string> => (await disk.read(path)).toString('utf8');
  const client = identity && { certificate: await text(identity.certificate), key: await text(identity.key) };
  await askHealth(url, client, abort);
}

const patiently = async <T>(
  { clock }: AnswerHands,
  abort: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> => {
  const late = { code: 'proof', what: `no answer within ${PATIENCE_MS / 1000} s` } as const;
  const deadline = clock.elapsed() + PATIENCE_MS;
  return await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    try {
      return await ask();
    } catch (error) {
      // The unit answered, and waiting is unlikely to change its answer.
      if (error instanceof AgentError && error.code === 'not-yet' && !isSilent(error))
        throw new AgentError('proof', explain(error), { cause: error });
      throw error;
    }
  });
};

const SILENT: ReadonlySet<string | undefined> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
]);

/** Whether the connection was refused. */
const isSilent = (error: unknown): boolean => SILENT.has(errnoOf(error));

/** Formats a certificate: `CN=kubernetes, until 2031-11-28`. */
const describe = ({ subject, validToDate }: X509Certificate): string =>
  `${(subject ?? '').split('\n').join(', ')}, until ${validToDate.toISOString().slice(0, 10)},`;
