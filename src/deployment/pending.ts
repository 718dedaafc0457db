import { AgentError } from '../base/errors.ts';
import type { Deployment } from './deployment.ts';

/** When this node accepted a deployment that it has since finished; undefined if it has not finished it. */
export type SettledAt = (id: string) => number | undefined;

type Known = Pick<Deployment, 'id' | 'resource' | 'createdAt'>;

/** The deployments that this node has accepted, listed or not. */
export type Recorded = { entries(): readonly Known[]; settledAt: SettledAt };

/**
 * Returns the newest deployment id of each resource, from all that are listed or recorded. An answer may be stale, so
 * the creation time decides instead of the list: an older deployment does not supersede a newer one that was seen
 * before.
 */
export function newestOf(listed: readonly Known[], recorded: Recorded): Map<string, string> {
  const listedIds = new Set(listed.map(({ id }) => id));
  const unlisted = recorded.entries().filter(({ id }) => !listedIds.has(id));
  const byAge = ageOrder(recorded.settledAt, (id) => listedIds.has(id));
  return new Map([...listed, ...unlisted].toSorted(byAge).map(({ resource, id }) => [resource, id]));
}

/**
 * Orders oldest first. Heat's times have whole seconds. Of two in the same second, the unfinished one is newer, then
 * the listed one, then the one accepted later. A deployment without a creation time is the newest while it is listed
 * and unfinished.
 */
function ageOrder(settledAt: SettledAt, isListed: (id: string) => boolean) {
  const age = ({ id, createdAt }: Known): number =>
    createdAt || (isListed(id) && settledAt(id) === undefined ? Infinity : 0);
  return (a: Known, b: Known): number =>
    age(a) - age(b) ||
    (settledAt(a.id) ?? Infinity) - (settledAt(b.id) ?? Infinity) ||
    Number(isListed(a.id)) - Number(isListed(b.id)) ||
    (a.id < b.id ? -1 : 1);
}

/**
 * Returns the deployments that remain to be done, in the order of the list: Heat sorts it by name, so that authors can
 * order their work. Of several per resource, only the newest is returned.
 *
 * @param force a deployment to run regardless of the records
 */
export function pendingOf(listed: readonly Deployment[], recorded: Recorded, force?: string): Deployment[] {
  const newest = newestOf(listed, recorded);
  return listed.filter(
    ({ id, resource }) =>
      id === force || (newest.get(resource) === id && recorded.settledAt(id) === undefined),
  );
}

/**
 * Finds the listed deployment with an id or a unique prefix of one.
 *
 * @throws `usage` with the candidates
 */
export function chosenBy(wanted: string, listed: readonly Deployment[]): string {
  const ids = [...new Set(listed.map(({ id }) => id))];
  const fitting = ids.filter((id) => id.startsWith(wanted));
  const [found] = ids.includes(wanted) ? [wanted] : fitting;
  if (found !== undefined && wanted !== '' && (found === wanted || fitting.length === 1)) return found;
  const candidates = (fitting.length > 0 ? fitting : ids).join(', ');
  throw new AgentError(
    'usage',
    fitting.length > 1
      ? `--force ${wanted}: several deployments begin like this: ${candidates}`
      : `--force ${wanted}: the cloud lists no such deployment; ${candidates === '' ? 'it lists none' : `it lists ${candidates}`}`,
  );
}

/** Finds listed deployments for whose resource this node has accepted a newer one: the list is stale. */
export function overtakenOf(listed: readonly Deployment[], recorded: Recorded): { id: string; by: string }[] {
  const newest = newestOf(listed, recorded);
  const listedIds = new Set(listed.map(({ id }) => id));
  return listed.flatMap(({ id, resource }) => {
    const by = newest.get(resource);
    return by === undefined || listedIds.has(by) ? [] : [{ id, by }];
  });
}
