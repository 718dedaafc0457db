import { basename, join } from 'node:path';
import type { Disk } from '../base/disk.ts';
import { pythonJson } from '../base/python.ts';
import { replaceFile } from '../base/replace-file.ts';
import type { Said } from './decode.ts';
import { sourcesOf } from './merge.ts';

/** The directory in which os-collect-config stores metadata for os-apply-config and scripts. */
export const CONFIG_FILES = '/var/lib/os-collect-config';

/** The variable with the paths of the files, separated by colons. */
export const OS_CONFIG_FILES = 'OS_CONFIG_FILES';

/** The file from which os-apply-config reads the list of files if the variable is not set. */
const LIST = 'os_config_files';

/** A file of metadata: the text of a JSON object. */
export type ConfigFile = { path: string; text: string };

/**
 * Returns the metadata of a pass as the files that os-collect-config would write: one per collector, per local file,
 * and per deployment with data, in this order. Two sources of one name become two files.
 */
export function configFilesOf(said: readonly Said[]): ConfigFile[] {
  const taken = new Set([LIST]);
  return sourcesOf(said).map(({ name, metadata }) => {
    const file = unusedName(fileNameOf(name), taken);
    taken.add(file);
    return { path: join(CONFIG_FILES, `${file}.json`), text: pythonJson(metadata) };
  });
}

/** Makes a valid file name. A colon would separate paths in OS_CONFIG_FILES. */
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
 * Writes the files and their list. They contain what deployments bring, including credentials.
 *
 * @param at converts a path of the node to this machine's
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
