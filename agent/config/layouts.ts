import { dirname, join } from 'node:path';
import * as v from 'valibot';
import type { Disk } from '../../src/base/disk.ts';
import { AgentError } from '../../src/base/errors.ts';
import { readTrusted } from '../../src/base/trust.ts';
import { BUILT_IN } from '../../src/certificates/choose-layout.ts';
import type { Layout } from '../../src/certificates/layout.ts';
import { OwnLayout } from '../../src/certificates/own-layout.ts';
import { tableOf } from '../../src/certificates/own-layout-table.ts';

/** Returns the directory of the operator's own layouts beside a configuration file. */
export const layoutsDirectoryOf = (configPath: string): string => join(dirname(configPath), 'layouts.d');

/**
 * Loads the operator's own layouts: those of the key `layouts`, then one from each file of layouts.d beside the
 * configuration.
 *
 * @throws `config` with file, line and key
 */
export async function loadLayouts(
  disk: Disk,
  configPath: string,
  inline: readonly OwnLayout[],
): Promise<Layout[]> {
  const directory = layoutsDirectoryOf(configPath);
  const found = inline.map((text, index) => ({ source: `layouts.${index}`, text }));
  for (const name of await disk.list(directory)) {
    const source = join(directory, name);
    const content = /\.ya?ml$/.test(name) ? await readTrusted(disk, source, 'config') : undefined;
    if (content === undefined) continue;
    const { parseConfigFile } = await import('./yaml.ts');
    const value = parseConfigFile(source, content, OwnLayout, { whole: true });
    found.push({ source, text: v.parse(OwnLayout, value) });
  }
  const names = BUILT_IN.map(({ name }) => name);
  return found.map(({ source, text }) => {
    if (names.includes(text.name))
      throw new AgentError('config', `${source}: name: another layout has the name ${text.name}`, {
        reason: 'layout-twice',
      });
    names.push(text.name);
    return tableOf(text);
  });
}
