import { type RefuseOperation, refuse } from './refuse.ts';

/**
 * The phases of a CA rotation. `all` does everything at once. The others are states to which all nodes of a cluster are
 * brought one after the other, so that no component meets a certificate that it does not accept:
 * - `trust`: the CA that Magnum serves now is trusted besides the former ones; certificates and keys stay
 * - `reissue`: certificates are signed by the new CA; the former ones are still trusted
 * - `retire`: only the new CA is trusted
 */
export const PHASES = ['all', 'trust', 'reissue', 'retire'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * Decodes the input `phase`.
 *
 * @param usual the phase of a deployment that names none
 */
export function selectPhase(value: unknown, usual: Phase): { phase: Phase } | RefuseOperation {
  const wanted = value === undefined || value === null || value === '' ? usual : value;
  const phase = PHASES.find((one) => one === wanted);
  return phase
    ? { phase }
    : refuse('phase-unknown', `unknown phase ${JSON.stringify(wanted)}; known phases: ${PHASES.join(', ')}`);
}
