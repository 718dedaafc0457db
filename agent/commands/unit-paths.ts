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
 * The paths that the unit writes, as a drop-in for it (systemd.exec(5)): the directories of every layout, because the
 * layout is unknown when an image is built, of own layouts, of heat-params, of the metrics, and of copies on a node
 * that is set up already. Needs no configuration.
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

/** The paths that the configuration adds; none while it is missing or invalid. */
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

/** Own layouts in files of their own, which may be good where the configuration is not. */
async function layoutsBeside(disk: Disk, configPath: string): Promise<readonly Layout[]> {
  try {
    return await loadLayouts(disk, configPath, []);
  } catch (error) {
    if (codeOf(error) !== 'config') throw error;
    return [];
  }
}

/** Kubeconfigs of a node that is set up already may lead anywhere. */
async function copiesOf({ disk, configPath, collects, secrets, log }: Context): Promise<readonly string[]> {
  try {
    const config = await loadConfig(disk, configPath, () => undefined, { collects });
    const node = await readNode({ disk, config, secrets, hostname: '' });
    return (await findCopiesOf(node, { disk })).paths;
  } catch (error) {
    // An image has no configuration and no heat-params yet.
    log('copies-unknown', { why: explain(error) });
    return [];
  }
}

/** `/etc/kubernetes` of `/etc/kubernetes/certs/ca.crt`: new directories are made below it. */
const topOf = (path: string): string => /^\/(?:etc|var\/lib)\/[^/]+(?=\/)/.exec(path)?.[0] ?? dirname(path);

/** Each with a minus: a directory that a node does not have is no reason not to start. */
const dropIn = (words: readonly string[]): string =>
  [
    '# Written by `agent unit-paths`: where the certificates and credentials of each layout are, and what hooks read.',
    '[Service]',
    ...words.map((word) => `ReadWritePaths=${word}`),
    '',
  ].join('\n');
