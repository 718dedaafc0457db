import type { X509Certificate } from 'node:crypto';
import { keyUsageOf } from './der.ts';
import type { ExtendedKeyUsage, KeyUsage } from './layout.ts';

/** RFC 5280, 4.2.1.12 */
export const PURPOSE: Record<ExtendedKeyUsage, string> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
};

const BIT: Record<KeyUsage, number> = { digitalSignature: 0x80, keyEncipherment: 0x20 };

/** Encodes key usages as the first eight bits of the extension (RFC 5280, 4.2.1.3). */
export const usageBits = (usages: readonly KeyUsage[]): number =>
  usages.reduce((bits, usage) => bits | BIT[usage], 0);

/** Every key usage, in the order of its bits (RFC 5280, 4.2.1.3). */
const KEY_USAGES = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
] as const;

/** Lists a certificate's key usages, then its purposes; a purpose without a name is listed as its object identifier. */
export function usagesOf(certificate: X509Certificate): string[] {
  const bits = keyUsageOf(certificate.raw) ?? 0;
  const names = new Map(Object.entries(PURPOSE).map(([name, id]) => [id, name]));
  return [
    ...KEY_USAGES.filter((_, index) => (bits & (0x80 >> index)) !== 0),
    // Node's `keyUsage` is the extended key usage.
    ...(certificate.keyUsage ?? []).map((id) => names.get(id) ?? id),
  ];
}
