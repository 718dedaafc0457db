import { type RefuseOperation, refuse } from './refuse.ts';

/**
 * The phases of a CA rotation. `all` does everything at once. The others are states for every node of a cluster to be
 * brought to, one after the other, so that nobody meets a certificate that it does not accept:
 * - `trust`: the CA that Magnum serves now is trusted beside those of before; certificates and keys stay
 * - `reissue`: the certificates are signed by it; those of before are still trusted
 * - `retire`: it alone is trusted
 */
export const PHASES = ['all', 'trust', 'reissue', 'retire'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * The input `phase`.
 *
 * @param usual what a deployment that names none means
 */
export function selectPhase(value: unknown, usual: Phase): { phase: Phase } | RefuseOperation {
  const wanted = value === undefined || value === null || value === '' ? usual : value;
  const phase = PHASES.find((one) => one === wanted);
  return phase
    ? { phase }
    : refuse('phase-unknown', `the phase ${JSON.stringify(wanted)} is none of ${PHASES.join(', ')}`);
}
