import type { Deployment } from '../deployment/deployment.ts';
import { type RefuseOperation, refuse } from './refuse.ts';

/** Restarts the node's services one after the other, and proves each with its present certificates. */
export type RestartOperation = {
  kind: 'restart';
  /** Unit names; undefined: all units of the layout. */
  units: readonly string[] | undefined;
};

/** Decodes a deployment of the group `coe-restart`: the input `services` is a list, or text separated by commas. */
export function selectRestart({ services = '' }: Deployment['inputs']): RestartOperation | RefuseOperation {
  const items: unknown = typeof services === 'string' ? services.split(',') : services;
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'string'))
    return refuse('input-not-a-list', 'the input services is not a list of names');
  const units = [...new Set(items.map((item) => item.trim().replace(/\.service$/, '')))].filter(Boolean);
  return { kind: 'restart', units: units.length > 0 ? units : undefined };
}
