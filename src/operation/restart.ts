import type { Deployment } from '../deployment/deployment.ts';
import { type RefuseOperation, refuse } from './refuse.ts';

/** The node's services are restarted, one after the other, and each is proven with the certificates that it has. */
export type RestartOperation = {
  kind: 'restart';
  /** Their units, by name; undefined: all that the layout names. */
  units: readonly string[] | undefined;
};

/**
 * What a deployment of the group `coe-restart` asks for: the input `services` is a list, or text with commas.
 */
export function selectRestart({ services = '' }: Deployment['inputs']): RestartOperation | RefuseOperation {
  const items: unknown = typeof services === 'string' ? services.split(',') : services;
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'string'))
    return refuse('input-not-a-list', 'the input services is no list of names');
  const units = [...new Set(items.map((item) => item.trim().replace(/\.service$/, '')))].filter(Boolean);
  return { kind: 'restart', units: units.length > 0 ? units : undefined };
}
