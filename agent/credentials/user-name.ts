import type { Change } from '../../src/files/credential-file.ts';
import type { Cluster } from '../hands.ts';

/** Adds the name of the user who has just logged in, for files that name the trustee (the registry's). */
export async function withUserName(change: Change, cluster: Pick<Cluster, 'user'>): Promise<Change> {
  const { given, fresh } = change;
  if (!given.includes('user')) return change;
  const user = await cluster.user();
  const told = { userName: user?.name ?? '', domain: user?.domain ?? '' };
  const learned = (['userName', 'domain'] as const).filter((key) => !given.includes(key));
  return {
    ...change,
    fresh: { ...fresh, ...Object.fromEntries(learned.map((key) => [key, told[key]])) },
    given: [...given, ...learned],
  };
}
