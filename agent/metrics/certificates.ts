import type { X509Certificate } from 'node:crypto';
import type { Sample } from '../../src/base/exposition.ts';
import { AgentError } from '../../src/base/errors.ts';
import { CA_TYPES } from '../../src/certificates/layout.ts';
import { fingerprint } from '../../src/certificates/read.ts';
import { canonicalCa } from '../../src/certificates/trusted.ts';
import type { Hands } from '../hands.ts';
import { authoritiesIn, findCertificates } from '../inspection/certificates.ts';
import { takeInventory } from '../inspection/inventory.ts';
import { rotationState } from '../inspection/rotation-state.ts';
import { type Node, readNode } from '../node.ts';
import type { MetricName } from './catalogue.ts';
import type { Observations } from './observations.ts';

export type Samples = Partial<Record<MetricName, Sample[]>>;

/** The present state of the node's files. */
export type Seen = {
  node: Node;
  phase: string;
  expiries: Sample[];
  faults: Sample[];
  authorities: Authority[];
};

type Authority = { ca: string; file: string; fingerprint: string };

/** Reads every certificate; returns undefined for a node that is not set up yet. */
export async function lookAtCertificates(hands: Hands): Promise<Seen | undefined> {
  try {
    const node = await readNode(hands);
    const holdings = await takeInventory(hands.disk, node.layout, hands.clock.now());
    const expiries: Sample[] = [];
    for (const holding of holdings)
      for (const certificate of holding.certificates)
        expiries.push(expiryOf({ file: holding.file, kind: kindOf(holding) }, certificate));
    const known = authoritiesIn(holdings);
    const { copies } = await findCertificates(node, hands, known);
    for (const { file, entry, fingerprint: mark, notAfter } of copies)
      expiries.push({
        labels: { file, kind: 'copy', ...(entry !== null && { entry }), fingerprint: mark },
        value: Date.parse(notAfter) / 1000,
      });
    const authorities = node.layout.authorities.flatMap(({ ca, file }) =>
      known
        .filter((one) => one.file === file.path)
        .map(({ certificate }) => ({
          ca: canonicalCa(ca),
          file: file.path,
          fingerprint: fingerprint(certificate),
        })),
    );
    const { phase } = await rotationState(hands);
    const faults = holdings.map((holding) => ({
      labels: { file: holding.file, kind: kindOf(holding) },
      value: holding.faults.length,
    }));
    return { node, phase: phase ?? 'none', expiries, faults, authorities };
  } catch (error) {
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}

const kindOf = ({ kind }: { kind: string }): string => kind.toLowerCase();

const expiryOf = (labels: { file: string; kind: string }, certificate: X509Certificate): Sample => ({
  labels: { ...labels, fingerprint: fingerprint(certificate) },
  value: certificate.validToDate.getTime() / 1000,
});

/** Builds the samples. @param noted the CAs that Magnum served at the last request */
export function samplesOf({ node, expiries, faults, authorities }: Seen, noted: Observations): Samples {
  const cluster = node.params.get('CLUSTER_UUID') ?? '';
  const served = CA_TYPES.flatMap((type) => {
    const one = noted.authorities[type];
    return one ? [{ type, ...one }] : [];
  });
  const rows = node.layout.authorities.flatMap(({ ca, file }) => {
    const of = served.find(({ type }) => type === canonicalCa(ca));
    return of ? [{ labels: { ca: of.type, file: file.path }, of }] : [];
  });
  return {
    coe_agent_certificate_not_after_timestamp_seconds: expiries,
    coe_agent_certificate_faults: faults,
    coe_agent_authority_info: authorities.map((labels) => ({ labels: { cluster, ...labels }, value: 1 })),
    coe_agent_authority_is_magnums: rows.map(({ labels, of }) => ({
      labels,
      value: Number(
        authorities.some((one) => one.file === labels.file && one.fingerprint === of.fingerprint),
      ),
    })),
    coe_agent_authority_seen_timestamp_seconds: served.map(({ type, at }) => ({
      labels: { ca: type },
      value: at,
    })),
  };
}
