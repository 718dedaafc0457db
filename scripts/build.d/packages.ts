import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { lockedPackage } from './lock-file.ts';

/** A package with modules in the program. */
export type BundledPackage = {
  name: string;
  version: string;
  integrity: string;
  licence: string;
  folder: string;
};

const Manifest = v.object({
  name: v.string(),
  license: v.optional(v.string()),
  licenses: v.optional(v.array(v.object({ type: v.string() }))),
});

/** Returns the packages of a bundle's modules, by name. */
export async function readPackages(modules: readonly string[]): Promise<BundledPackage[]> {
  const folders = modules.flatMap(
    (path) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? [],
  );
  return await Promise.all([...new Set(folders)].toSorted().map(readPackage));
}

async function readPackage(folder: string): Promise<BundledPackage> {
  const text = await readFile(join(folder, 'package.json'), 'utf8');
  const { name, license, licenses } = v.parse(Manifest, JSON.parse(text));
  const licence = license ?? licenses?.map(({ type }) => type).join(' OR ');
  if (licence === undefined) throw new Error(`the package ${name} does not say under which licence it is`);
  const where = folder.slice(folder.indexOf('/node_modules/') + '/node_modules/'.length);
  return { name, licence, folder, ...(await lockedPackage(where)) };
}

/** @throws if there is none: no package is distributed without its licence */
export async function licenceFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  if (names.length === 0) throw new Error(`${folder} has no licence file`);
  return names.toSorted();
}
