import { readText } from '../../src/base/disk.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { hostPort } from '../../src/base/address.ts';
import { withoutFormerCas } from '../../src/certificates/former-cas.ts';
import { certificatesIn, signerOf } from '../../src/certificates/read.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import {
  CLIENT_CA_KEYS,
  type ClientCaKey,
  type ClientTrust,
  createKubernetesTrust,
} from '../../src/services/kubernetes-trust.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import type { Task } from './follow-ups.ts';
import { ONCE, type OwnApi } from './own-api.ts';

/**
 * Time for a check after a write. Every kube-apiserver adds its trusted CAs to the config map within a minute (its
 * resync), and at each change of it.
 */
const CONFIRM_MS = 150_000;
/** Wait if an API server that has not retired adds its old CA again. */
const LATER_MS = 600_000;

/**
 * Removes former CAs from kube-system/extension-apiserver-authentication. kube-apiserver merges its own CAs into that
 * config map and never removes any, so its readers would accept former clients forever. It is written only if every API
 * server of the cluster presents a certificate of the new CA. Whether each server has also retired the old CA shows
 * later: one that still trusts it adds it again.
 *
 * @returns the task with the time of its next look; undefined when a later look found only the new CAs
 */
export async function retireClientTrust(
  { wroteAt }: Task,
  ask: AskApi,
  { node, api }: { node: Node; api: OwnApi },
  hands: Hands,
  abort: AbortSignal,
): Promise<Task | undefined> {
  const { clock, retry } = hands;
  const trust = createKubernetesTrust(ask, retry, ONCE);
  const now = clock.now();
  const held = await trust.clientTrust(abort);
  const present = await presentCas(node, api, hands);
  const cas = held ? changed(held, present) : {};
  if (Object.keys(cas).length === 0) {
    if (wroteAt === undefined || now >= wroteAt + CONFIRM_MS) return undefined;
    return {
      due: wroteAt + CONFIRM_MS,
      wroteAt,
      why: 'the former client CAs are removed from extension-apiserver-authentication; a later check confirms it',
    };
  }
  if (wroteAt !== undefined)
    return {
      due: now + LATER_MS,
      why: 'an API server has added its former client CA to extension-apiserver-authentication again: retire the old CA on every master',
    };
  await requireNewLeaves(await trust.apiServers(abort), present['client-ca-file'] ?? '', hands, abort);
  if (!held || !(await trust.writeClientTrust({ version: held.version, cas }, abort)))
    throw new AgentError('not-yet', 'another client has changed extension-apiserver-authentication');
  return {
    due: now + CONFIRM_MS,
    wroteAt: now,
    why: 'a later check confirms that the former client CAs stay removed',
  };
}

/** Returns the client CAs that this node trusts, by the keys of the config map. */
async function presentCas({ layout }: Node, { ca }: OwnApi, { disk }: Hands): Promise<ClientTrust['cas']> {
  const frontProxy = layout.authorities.find((row) => row.ca === 'front-proxy' && row.single !== true);
  const files: Partial<Record<ClientCaKey, string | undefined>> = {
    'client-ca-file': ca,
    'requestheader-client-ca-file': frontProxy?.file.path,
  };
  const found: Partial<Record<ClientCaKey, string>> = {};
  for (const key of CLIENT_CA_KEYS) {
    const path = files[key];
    const pem = path === undefined ? undefined : await readText(disk, path);
    if (pem !== undefined) found[key] = pem;
  }
  return found;
}

function changed({ cas }: ClientTrust, present: ClientTrust['cas']): ClientTrust['cas'] {
  const changes: Partial<Record<ClientCaKey, string>> = {};
  for (const key of CLIENT_CA_KEYS) {
    const [held, own] = [cas[key], present[key]];
    if (held === undefined || own === undefined) continue;
    const next = withoutFormerCas(held, own);
    if (next !== held) changes[key] = next;
  }
  return changes;
}

/** Checks that every API server presents a certificate of one of the CAs. @throws `not-yet` */
async function requireNewLeaves(
  servers: readonly { host: string; port: number }[],
  cas: string,
  { presented }: Hands,
  abort: AbortSignal,
): Promise<void> {
  if (servers.length === 0)
    throw new AgentError('not-yet', 'the endpoints default/kubernetes list no API server');
  const present = certificatesIn(cas, 'the CA');
  await Promise.all(
    servers.map(async ({ host, port }) => {
      const at = hostPort(host, port);
      const leaf = await presented(host, port, abort).catch((error: unknown) => {
        if (codeOf(error) === 'aborted') throw error;
        throw new AgentError('not-yet', `the API server ${at} does not answer: ${explain(error)}`);
      });
      if (!signerOf(leaf, present))
        throw new AgentError(
          'not-yet',
          `the API server ${at} presents a certificate of another CA: its master is a phase behind`,
        );
    }),
  );
}
