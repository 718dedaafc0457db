import { AgentError } from '../../src/base/errors.ts';
import { certificatesIn, oneCertificate, signerOf } from '../../src/certificates/read.ts';
import { fill } from '../../src/certificates/template.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { WorkloadsPlan } from '../../src/services/workloads.ts';
import type { Hands } from '../hands.ts';
import { type Node, nodeNameOf } from '../node.ts';

/** This node's own API server and the client identity for it: file paths, and the node's name. */
export type OwnApi = Pick<WorkloadsPlan, 'host' | 'port' | 'leaf' | 'ca' | 'identity' | 'holder'>;

/** Returns the node's own API server; undefined if it has none, or no certificate to connect with. */
export function ownApiOf(units: readonly UnitPlan[], node: Node): OwnApi | undefined {
  const { layout, values } = node;
  const row = layout.units.find(({ isKubernetesApi }) => isKubernetesApi === true);
  const named = (name: string | undefined) => layout.certificates.find((one) => one.name === name);
  const leaf = named(row?.probe?.presents);
  const ca = layout.authorities.find((one) => one.ca === leaf?.ca && one.single !== true);
  const identity = named(row?.health?.as)?.files;
  if (!row?.probe || !leaf?.files || !ca || !identity) return undefined;
  const probe = units.find(({ name }) => name === row.unit)?.probe;
  return {
    host: probe?.host ?? fill(row.probe.host, values),
    port: probe?.port ?? Number(fill(row.probe.port, values)),
    leaf: leaf.files.certificate.path,
    ca: ca.file.path,
    identity: { certificate: identity.certificate.path, key: identity.key.path },
    holder: nodeNameOf(node),
  };
}

/** For an API call that a later attempt repeats if the API does not answer now. */
export const BRIEFLY = { baseMs: 500, capMs: 2000, forMs: 5000 };
/** For a call that a later pass repeats: polls do not wait for an API that does not answer. */
export const ONCE = { baseMs: 500, capMs: 500, forMs: 0 };

/**
 * Opens the connection to a server of this node (the API server, etcd) while `work` runs.
 *
 * @param trusted the CAs in the file of the node's CA, PEM
 */
export async function withOwnApi<T>(
  at: Omit<OwnApi, 'holder'>,
  { disk, secrets, openKubernetes }: Pick<Hands, 'disk' | 'secrets' | 'openKubernetes'>,
  work: (ask: AskApi, trusted: string) => Promise<T>,
): Promise<T> {
  const read = async (path: string): Promise<string> => (await disk.read(path)).toString('utf8');
  const trusted = await read(at.ca);
  const leaf = oneCertificate(await read(at.leaf), at.leaf);
  if (!signerOf(leaf, certificatesIn(trusted, at.ca)))
    throw new AgentError('bad-certificate', `${at.leaf} is signed by no CA in ${at.ca}`);
  const key = await read(at.identity.key);
  secrets.addPassing(key);
  const api = openKubernetes({
    host: at.host,
    port: at.port,
    ca: trusted,
    presents: leaf.fingerprint256,
    client: { cert: await read(at.identity.certificate), key },
  });
  try {
    return await work(api.ask, trusted);
  } finally {
    api.close();
  }
}
