import { AgentError } from '../base/errors.ts';
import type { Deployment } from './deployment.ts';

/** When this node accepted a deployment that it has finished since; undefined: it has not finished it. */
export type SettledAt = (id: string) => number | undefined;

type Known = Pick<Deployment, 'id' | 'resource' | 'createdAt'>;

/** What this node has taken up, whether or not it is listed now. */
export type Recorded = { entries(): readonly Known[]; settledAt: SettledAt };

/**
 * The newest deployment of each resource, by id, of all that are listed or recorded. An answer may be stale, so the
 * creation time decides and never the list: an older deployment does not supersede a newer one that was seen before.
 */
export function newestOf(listed: readonly Known[], recorded: Recorded): Map<string, string> {
  const listedIds = new Set(listed.map(({ id }) => id));
  const unlisted = recorded.entries().filter(({ id }) => !listedIds.has(id));
  const byAge = ageOrder(recorded.settledAt, (id) => listedIds.has(id));
  return new Map([...listed, ...unlisted].toSorted(byAge).map(({ resource, id }) => [resource, id]));
}

/**
 * Oldest first. Heat's clock has no step smaller than a second: of two in the same second the one that this node has
 * not finished is the newer, then the one that is listed, then the one that was accepted later. One without a
 * creation time is the newest while it is listed and not finished.
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
 * The deployments that this node has yet to do, in the order of the list: Heat sorts it by name, so that authors can
 * order their work. Of several of one resource only the newest is one.
 *
 * @param force a deployment to be done whatever is recorded
 */
export function pendingOf(listed: readonly Deployment[], recorded: Recorded, force?: string): Deployment[] {
  const newest = newestOf(listed, recorded);
  return listed.filter(
    ({ id, resource }) =>
      id === force || (newest.get(resource) === id && recorded.settledAt(id) === undefined),
  );
}

/**
 * The listed deployment that a person means by an id or a unique beginning of one.
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

/** What is listed although this node has taken up something newer for its resource: the list is stale. */
export function overtakenOf(listed: readonly Deployment[], recorded: Recorded): { id: string; by: string }[] {
  const newest = newestOf(listed, recorded);
  const listedIds = new Set(listed.map(({ id }) => id));
  return listed.flatMap(({ id, resource }) => {
    const by = newest.get(resource);
    return by === undefined || listedIds.has(by) ? [] : [{ id, by }];
  });
}
