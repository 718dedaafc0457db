import { dirname } from 'node:path';
import { BUILT_IN } from '../../src/certificates/choose-layout.ts';
import { ROLES, type RoleLayout } from '../../src/certificates/layout.ts';
import { loadLayouts } from '../config-layouts.ts';
import { EXIT } from '../exit-code.ts';
import { type Verb, writeJson } from '../verb.ts';

/**
 * What the unit has to be able to write, as a drop-in for it (systemd.exec(5)): the directories of every layout,
 * because which one a node has is not known when its image is built, and those of layouts.d. It needs no configuration.
 */
export const verb: Verb = async (context) => {
  const own = await loadLayouts(context.disk, context.configPath, []);
  const files = [...BUILT_IN, ...own].flatMap(({ roles }) => ROLES.flatMap((role) => filesOf(roles[role])));
  const paths = [...new Set(files.map(topOf))].toSorted();
  if (context.json) writeJson(context, { paths });
  else context.world.stdout.write(dropIn(paths));
  return EXIT.done;
};

const filesOf = ({
  authorities,
  certificates,
  serviceAccount,
  kubeconfigs,
  revocationLists = [],
}: RoleLayout): string[] => [
  ...authorities.map(({ file }) => file.path),
  ...certificates.flatMap(({ files }) => (files ? [files.certificate.path, files.key.path] : [])),
  ...(serviceAccount ? [serviceAccount.publicKeyFile.path, serviceAccount.privateKeyFile.path] : []),
  ...kubeconfigs.map(({ file }) => file.path),
  ...revocationLists.map(({ file }) => file.path),
];

/** `/etc/kubernetes` of `/etc/kubernetes/certs/ca.crt`: new directories are made below it. */
const topOf = (path: string): string => /^\/(?:etc|var\/lib)\/[^/]+(?=\/)/.exec(path)?.[0] ?? dirname(path);

/** With a minus: a directory that a node does not have is no reason not to start. */
const dropIn = (paths: readonly string[]): string =>
  [
    '# Written by `agent unit-paths`: where the certificates of each layout are.',
    '[Service]',
    ...paths.map((path) => `ReadWritePaths=-${path}`),
    '',
  ].join('\n');
