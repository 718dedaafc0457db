import type { ManagedFile } from '../../src/files/managed-file.ts';
import type { ListPlan } from '../../src/services/list.ts';
import type { ListsPlan } from '../plan/plan.ts';

/**
 * Plans the installation of lists of revoked certificates.
 *
 * @param lists how each is proven; empty if a service is only being configured for it
 */
export function planRevocation(
  files: readonly ManagedFile[],
  lists: readonly ListPlan[],
  said: readonly string[],
): ListsPlan {
  const paths = files.map(({ path }) => path);
  const units = lists.filter(({ rereads }) => !rereads).map(({ unitPlan }) => unitPlan);
  return {
    kind: 'lists',
    check: { do: 'check', paths, units: lists.map(({ unitPlan }) => unitPlan) },
    stage: { do: 'stage-files', files, units, lists, said },
  };
}
