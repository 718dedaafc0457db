import { readText } from '../../src/base/disk.ts';
import type { CertificateRow } from '../../src/certificates/layout.ts';
import { sameCa } from '../../src/certificates/trusted.ts';
import type { ClientIdentity } from '../../src/services/health.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/** The CAs with which nodes verify each other. */
export type PeerCa = 'kubernetes' | 'etcd';

/** The identity with which this node connects to the ports that one CA verifies. */
export type Client = {
  row: CertificateRow;
  /** The file of the CAs that this node trusts on these ports. */
  ca: string;
  certificate: string;
  key: string;
};
export type Clients = Partial<Record<PeerCa, Client>>;

/**
 * Returns the client identities of this node. A master uses the certificates of its own health checks, for the API
 * server (system:masters) and for etcd. A worker uses its kubelet's.
 */
export function clientsOf({ layout }: Pick<Node, 'layout'>): Clients {
  const server = layout.units.find(({ isKubernetesApi }) => isKubernetesApi === true);
  const kubelet = layout.units.find(({ unit }) => unit === 'kubelet');
  const etcd = layout.units.find(({ unit }) => unit === 'etcd');
  const kubernetes = clientOf(server ? server.health?.as : kubelet?.probe?.presents, layout);
  const member = clientOf(etcd?.health?.as, layout);
  return { ...(kubernetes && { kubernetes }), ...(member && { etcd: member }) };
}

function clientOf(name: string | undefined, layout: Node['layout']): Client | undefined {
  const row = layout.certificates.find((one) => one.name === name);
  const ca = layout.authorities.find((one) => row && sameCa(one.ca, row.ca) && one.single !== true);
  if (!row?.files || !ca) return undefined;
  const { certificate, key } = row.files;
  return { row, ca: ca.file.path, certificate: certificate.path, key: key.path };
}

/** Reads a client's present certificate and key (PEM); undefined if a file is missing. */
export async function readClient(
  client: Pick<Client, 'certificate' | 'key'>,
  { disk, secrets }: Pick<Hands, 'disk' | 'secrets'>,
): Promise<ClientIdentity | undefined> {
  const certificate = await readText(disk, client.certificate);
  const key = await readText(disk, client.key);
  if (certificate === undefined || key === undefined) return undefined;
  secrets.addPassing(key);
  return { certificate, key };
}
