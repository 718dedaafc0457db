import type { Entry } from '../../crash/tree.ts';
import type { Site } from './site.ts';

/** Everything on the node except this program's own records, which a rejected deployment must leave unchanged. */
export async function nodeFiles(site: Site): Promise<Map<string, Entry>> {
  const files = await site.files('/');
  return new Map([...files].filter(([path]) => !/^\/+(var\/(lib|log)\/coe-agent|run)/.test(path)));
}

/** The files that a run keeps while it is under way. */
export const leftovers = async (site: Site): Promise<string[]> =>
  [...(await site.files('/var/lib/coe-agent/generation'))]
    .filter(([, { type }]) => type === 'file')
    .map(([path]) => path);
