import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bundle, NODE_FLAGS } from '../lib/bundle.ts';
import { bashCompletion, FISH_ALIAS, fishCompletion, zshCompletion } from './completions.ts';
import { writeSums } from './checksums.ts';
import { manualPages } from './manual.ts';
import { licenceFiles, readPackages } from './packages.ts';
import { type Architecture, runtimeOf } from './runtime.ts';
import { billOfMaterials } from './sbom.ts';
import { strip } from './strip.ts';
import { verbs } from './verbs.ts';
import packageJson from '../../package.json' with { type: 'json' };

const PROJECT = join(import.meta.dirname, '../..');
const DOCUMENTS = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];

/**
 * Makes /opt/coe-agent as installed on a node:
 *
 *     agent  setup            the executables
 *     node  lib/              the runtime and the program
 *     systemd/                units with their files; setup copies them to systemd's directories
 *     man/  completions/       a page per verb; for bash, zsh and fish
 *     README.md  docs/  scripts/heat/   the documentation and Heat's templates as in the source, so that links hold
 *     licences/  sbom.cdx.json  VERSION  SHA256SUMS
 */
export async function layOut(tree: string, architecture: Architecture): Promise<void> {
  await rm(tree, { recursive: true, force: true });
  await mkdir(join(tree, 'licences'), { recursive: true });

  const { modules } = await bundle(join(tree, 'lib'));
  const runtime = await runtimeOf(architecture);
  await writeFile(join(tree, 'node'), strip(await readFile(join(runtime, 'bin/node'))), { mode: 0o755 });
  await writeFile(join(tree, 'agent'), LAUNCHER, { mode: 0o755 });
  await copyFile(join(PROJECT, 'scripts/package.d/setup'), join(tree, 'setup'));
  await chmod(join(tree, 'setup'), 0o755);
  await cp(join(PROJECT, 'systemd'), join(tree, 'systemd'), { recursive: true });
  for (const folder of ['docs', 'scripts/heat'])
    await cp(join(PROJECT, folder), join(tree, folder), { recursive: true });
  await describeVerbs(tree);
  for (const name of DOCUMENTS) await copyFile(join(PROJECT, name), join(tree, name));

  const packages = await readPackages(modules);
  await copyFile(join(PROJECT, 'LICENSE'), join(tree, 'licences/coe-agent'));
  await copyFile(join(runtime, 'LICENSE'), join(tree, 'licences/node'));
  for (const { name, folder } of packages)
    for (const file of await licenceFiles(folder))
      await copyFile(
        join(folder, file),
        join(tree, 'licences', `${name.replace('/', '+')}.${basename(file)}`),
      );
  await writeFile(join(tree, 'sbom.cdx.json'), await billOfMaterials(packages, architecture));
  await writeFile(join(tree, 'VERSION'), `${packageJson.version}\n`);
  await normalize(tree);
  await writeSums(tree, await filesBelow(tree));
  await chmod(join(tree, 'SHA256SUMS'), 0o644);
}

/** Writes the files that are generated from the definitions of the command line. */
async function describeVerbs(tree: string): Promise<void> {
  const all = verbs();
  await mkdir(join(tree, 'man'));
  for (const [name, page] of manualPages(all, packageJson.version))
    await writeFile(join(tree, 'man', name), page);
  await mkdir(join(tree, 'completions'));
  await writeFile(join(tree, 'completions/coe-agent.bash'), bashCompletion(all));
  await writeFile(join(tree, 'completions/_coe-agent'), zshCompletion(all));
  await writeFile(join(tree, 'completions/coe-agent.fish'), fishCompletion(all));
  await writeFile(join(tree, 'completions/agent.fish'), FISH_ALIAS);
}

/** Sets modes independently of the builder's umask: all users may execute programs and read the rest. */
async function normalize(tree: string): Promise<void> {
  await chmod(tree, 0o755);
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const isProgram = entry.parentPath === tree && ['agent', 'setup', 'node'].includes(entry.name);
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() || isProgram ? 0o755 : 0o644);
  }
}

const filesBelow = async (tree: string): Promise<string[]> =>
  (await readdir(tree, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(tree.length + 1));

/** The caller's environment must not change how the program runs. */
const LAUNCHER = `#!/bin/sh
unset NODE_OPTIONS NODE_PATH
here=$(readlink -f "$0")
here=\${here%/*}
exec "$here/node" ${NODE_FLAGS.join(' ')} "$here/lib/agent.mjs" "$@"
`;
