import type { X509Certificate } from 'node:crypto';
import { readText } from '../../src/base/disk.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import { type CertificateRequest, requestsOf } from '../../src/certificates/request.ts';
import { sameCa } from '../../src/certificates/trusted.ts';
import { withoutDamaged } from '../rotation/without-damaged.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/** A certificate of the layout, its desired properties, and the CA of the node that signed it. */
export type Leaf = {
  name: string;
  /** The certificate file, or the kubeconfig that embeds it. */
  file: string;
  certificate: X509Certificate;
  request: CertificateRequest;
  /** undefined: signed by a CA that the node does not trust. */
  authority: X509Certificate | undefined;
};

/**
 * Reads the node's certificates of the layout. Skips missing and unreadable ones: the inventory lists them.
 *
 * @param node its values include the addresses that heat-params leave empty
 * @throws `bad-heat-params`; `bad-file` for an invalid kubeconfig that holds the only copy of a certificate and cannot
 * be recreated
 */
export async function readLeaves(
  { layout, values }: Pick<Node, 'layout' | 'values'>,
  { disk }: Pick<Hands, 'disk'>,
): Promise<Leaf[]> {
  const whole = await withoutDamaged(layout, disk);
  const current = await readCurrentCertificates(layout, async (path) => await readText(whole, path));
  const trusted = current.authorities.flatMap(([ca, pem], index) =>
    layout.authorities[index]?.single === true ? [] : parsed(pem).map((certificate) => ({ ca, certificate })),
  );
  const pems = new Map(current.certificates);
  return requestsOf(layout, values).flatMap((request) => {
    const { name, ca: type } = request;
    const row = layout.certificates.find((one) => one.name === name);
    const file =
      row?.files?.certificate.path ??
      layout.kubeconfigs.find(({ certificate }) => certificate === name)?.file.path;
    const [certificate] = parsed(pems.get(name) ?? '');
    if (file === undefined || !certificate) return [];
    const signer = trusted.find(
      (one) => sameCa(one.ca, type) && certificate.verify(one.certificate.publicKey),
    );
    return [{ name, file, certificate, request, authority: signer?.certificate }];
  });
}

function parsed(pem: string): X509Certificate[] {
  try {
    return certificatesIn(pem, 'a certificate');
  } catch {
    return [];
  }
}
