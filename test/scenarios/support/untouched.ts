import type { Entry } from '../../crash/tree.ts';
import type { Site } from './site.ts';

/**
 * Everything on the node but this program's own records: what a refused deployment must leave exactly as it is.
 */
export async function nodeFiles(site: Site): Promise<Map<string, Entry>> {
  const files = await site.files('/');
  return new Map([...files].filter(([path]) => !/^\/+(var\/(lib|log)\/coe-agent|run)/.test(path)));
}

/** What a run keeps about itself while it is under way. */
export const leftovers = async (site: Site): Promise<string[]> =>
  [...(await site.files('/var/lib/coe-agent/generation'))]
    .filter(([, { type }]) => type === 'file')
    .map(([path]) => path);
