import { basename, join } from 'node:path';
import type { Disk } from '../base/disk.ts';
import { pythonJson } from '../base/python.ts';
import { replaceFile } from '../base/replace-file.ts';
import type { Said } from './decode.ts';
import { sourcesOf } from './merge.ts';

/** Where os-collect-config keeps what its collectors bring, for os-apply-config and for scripts. */
export const CONFIG_FILES = '/var/lib/os-collect-config';

/** The variable with the paths of the files, with colons between them. */
export const OS_CONFIG_FILES = 'OS_CONFIG_FILES';

/** Where os-apply-config finds the list of the files when nobody hands it over. */
const LIST = 'os_config_files';

/** A file of metadata: the text of a JSON object. */
export type ConfigFile = { path: string; text: string };

/**
 * The metadata that a pass goes by, as the files that os-collect-config makes of it: one for each collector, for each
 * local file, and for the data of each deployment that brings any, in their order. Two of one name are two files.
 */
export function configFilesOf(said: readonly Said[]): ConfigFile[] {
  const taken = new Set([LIST]);
  return sourcesOf(said).map(({ name, metadata }) => {
    const file = unusedName(fileNameOf(name), taken);
    taken.add(file);
    return { path: join(CONFIG_FILES, `${file}.json`), text: pythonJson(metadata) };
  });
}

/** A colon separates paths in OS_CONFIG_FILES, and a name is no path. */
const fileNameOf = (name: string): string =>
  basename(name)
    .replaceAll(/[^\w.-]/g, '_')
    .replace(/^\.*/, '')
    .slice(0, LONGEST) || 'metadata';

const LONGEST = 200;

function unusedName(name: string, taken: ReadonlySet<string>): string {
  let unused = name;
  for (let number = 2; taken.has(unused); number += 1) unused = `${name}-${number}`;
  return unused;
}

/**
 * Writes the files, and their list. They hold what deployments bring along, credentials too.
 *
 * @param at this machine's path for one of the node's
 */
export async function writeConfigFiles(
  files: readonly ConfigFile[],
  disk: Disk,
  at: (path: string) => string,
): Promise<void> {
  const list = pythonJson(files.map(({ path }) => at(path)));
  await disk.makeDirectory(CONFIG_FILES, { mode: 0o755 });
  for (const { path, text } of [...files, { path: join(CONFIG_FILES, `${LIST}.json`), text: list }])
    await replaceFile(disk, path, text, { mode: 0o600 });
}
