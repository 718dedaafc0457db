import type { ExtendedKeyUsage, KeyUsage } from './layout.ts';

/** RFC 5280, 4.2.1.12 */
export const PURPOSE: Record<ExtendedKeyUsage, string> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
};

const BIT: Record<KeyUsage, number> = { digitalSignature: 0x80, keyEncipherment: 0x20 };

/** Key usages as the first eight bits of the extension (RFC 5280, 4.2.1.3). */
export const usageBits = (usages: readonly KeyUsage[]): number =>
  usages.reduce((bits, usage) => bits | BIT[usage], 0);
