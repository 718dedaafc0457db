import { dirname } from 'node:path';
import { BUILT_IN } from '../../src/certificates/choose-layout.ts';
import type { Disk } from '../../src/base/disk.ts';
import { codeOf, explain } from '../../src/base/errors.ts';
import { type Layout, ROLES } from '../../src/certificates/layout.ts';
import { CONFIG_FILES } from '../../src/metadata/config-files.ts';
import { pathsOf } from '../../src/files/candidates.ts';
import { unitFileWord } from '../../src/services/unit-file.ts';
import { HEAT_PARAMS, loadConfig } from '../config.ts';
import { loadLayouts } from '../config/layouts.ts';
import { findCopiesOf } from '../rotation/find-copies.ts';
import { EXIT } from './exit-code.ts';
import { readNode } from '../node.ts';
import { writeJson } from './json-answer.ts';
import { type Context, type Verb } from './verb.ts';

/**
 * Writes a drop-in with the paths that the unit may write (systemd.exec(5)). They are: the directories of every layout,
 * because an image is built before its layout is known; those of operators' layouts, of heat-params and of the metrics;
 * and those of copies, on a node that is already set up. Needs no configuration.
 */
export const verb: Verb = async (context) => {
  const { layouts, heatParams, metrics } = await configured(context);
  const files = [...BUILT_IN, ...layouts].flatMap(({ roles }) =>
    ROLES.flatMap((role) => [...pathsOf(roles[role]), ...roles[role].credentials.map(({ file }) => file)]),
  );
  const tops = new Set([CONFIG_FILES, ...[heatParams, ...files].map(topOf)]);
  const beyond = [...metrics, ...(await copiesOf(context))].map((path) => dirname(path));
  const paths = [
    ...tops,
    ...new Set(beyond.filter((path) => ![...tops].some((top) => `${path}/`.startsWith(`${top}/`)))),
  ].toSorted();
  const lines = paths.map((path) => ({ path, word: unitFileWord(`-${path}`) }));
  for (const { path, word } of lines) if (word === undefined) context.log('path-left-out', { path });
  const written = lines.flatMap(({ path, word }) => (word === undefined ? [] : [{ path, word }]));
  if (context.json) writeJson(context, 'unit-paths', { paths: written.map(({ path }) => path) });
  else context.world.stdout.write(dropIn(written.map(({ word }) => word)));
  return EXIT.done;
};

/** Returns the paths that the configuration adds; none while it is missing or invalid. */
async function configured({
  disk,
  configPath,
  configIsNamed: isNamed,
  collects,
  log,
}: Context): Promise<{ layouts: readonly Layout[]; heatParams: string; metrics: readonly string[] }> {
  try {
    const {
      layouts,
      heat_params: heatParams,
      metrics,
    } = await loadConfig(disk, configPath, () => undefined, {
      isNamed,
      collects,
    });
    return { layouts, heatParams, metrics: metrics.file === undefined ? [] : [metrics.file] };
  } catch (error) {
    if (codeOf(error) !== 'config') throw error;
    const isThere = (await disk.info(configPath)) !== undefined;
    if (isNamed && !isThere) throw error;
    if (isThere) log('layouts-left-out', { why: explain(error) });
    return { layouts: await layoutsBeside(disk, configPath), heatParams: HEAT_PARAMS, metrics: [] };
  }
}

/** Reads operators' layouts from their own files, which may be valid even if the configuration is not. */
async function layoutsBeside(disk: Disk, configPath: string): Promise<readonly Layout[]> {
  try {
    return await loadLayouts(disk, configPath, []);
  } catch (error) {
    if (codeOf(error) !== 'config') throw error;
    return [];
  }
}

/** Returns the copies of a node that is already set up: its kubeconfigs may refer to any path. */
async function copiesOf({ disk, configPath, collects, secrets, log }: Context): Promise<readonly string[]> {
  try {
    const config = await loadConfig(disk, configPath, () => undefined, { collects });
    const node = await readNode({ disk, config, secrets, hostname: '' });
    return (await findCopiesOf(node, { disk })).paths;
  } catch (error) {
    // An image has neither a configuration nor heat-params yet.
    log('copies-unknown', { why: explain(error) });
    return [];
  }
}

/** Returns `/etc/kubernetes` for `/etc/kubernetes/certs/ca.crt`: new directories are created below it. */
const topOf = (path: string): string => /^\/(?:etc|var\/lib)\/[^/]+(?=\/)/.exec(path)?.[0] ?? dirname(path);

/** Prefixes each path with a minus: the unit must start even if a directory does not exist. */
const dropIn = (words: readonly string[]): string =>
  [
    '# Written by `agent unit-paths`: the certificates and credentials of each layout, and the files of hooks',
    '[Service]',
    ...words.map((word) => `ReadWritePaths=${word}`),
    '',
  ].join('\n');
