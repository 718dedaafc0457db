import type { ManagedFile } from '../../src/files/managed-file.ts';
import type { ListPlan } from '../../src/services/list.ts';
import { fromReplaceOn, type Step } from '../plan/step.ts';

/**
 * Lists of revoked certificates in their places.
 *
 * @param lists how each is proven; none where a service is only to be configured for it
 */
export function planRevocation(
  files: readonly ManagedFile[],
  lists: readonly ListPlan[],
  said: readonly string[],
): Step[] {
  const paths = files.map(({ path }) => path);
  const units = lists.filter(({ rereads }) => !rereads).map(({ unit }) => unit);
  return [
    { do: 'check', paths, units: lists.map(({ unit }) => unit) },
    { do: 'stage-files', files, units, lists, said },
    ...fromReplaceOn(units, lists),
  ];
}
