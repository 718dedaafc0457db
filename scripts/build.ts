import { mkdir, rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { writeSums } from './build.d/checksums.ts';
import { archive } from './build.d/archive.ts';
import { debianPackage } from './build.d/debian.ts';
import { layOut } from './build.d/lay-out.ts';
import { ARCHITECTURES } from './build.d/runtime.ts';
import packageJson from '../package.json' with { type: 'json' };

/**
 * `npm run build`: makes the files to be installed on a node, for each architecture as a tarball and as a Debian
 * package, with checksums. Two builds of the same commit are equal byte for byte.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: join(import.meta.dirname, '../build') } },
});
const wanted = ARCHITECTURES.filter((name) => positionals.length === 0 || positionals.includes(name));
const unknown = positionals.find((name) => ARCHITECTURES.every((known) => known !== name));
if (unknown !== undefined) {
  console.error(
    `usage: npm run build -- [${ARCHITECTURES.join('|')}]... [--out DIR]   (there is no ${unknown})`,
  );
  process.exitCode = 2;
} else await buildAll();

async function buildAll(): Promise<void> {
  const { version } = packageJson;
  const date = await sourceDate();
  await rm(values.out, { recursive: true, force: true });
  await mkdir(values.out, { recursive: true });
  const made: string[] = [];
  for (const architecture of wanted) {
    const tree = join(values.out, architecture, 'coe-agent');
    await layOut(tree, architecture);
    made.push(
      await archive(tree, join(values.out, `coe-agent-${version}-linux-${architecture}.tar.gz`), date),
    );
    made.push(...(await debianPackage(tree, values.out, { architecture, version, date })));
  }
  await writeSums(
    values.out,
    made.map((path) => basename(path)),
  );
  for (const path of made) console.log(relative(process.cwd(), path));
}

/** The time of everything in a package: the commit's, unless the builder sets another. */
async function sourceDate(): Promise<number> {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) return Number(given);
  const asked = await execa('git', ['log', '-1', '--format=%ct'], {
    cwd: import.meta.dirname,
    reject: false,
  });
  // Sources without a history: 1980, the first year that every archive format supports.
  return asked.exitCode === 0 ? Number(asked.stdout) : 315_532_800;
}
