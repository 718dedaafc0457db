import { lockedPackage } from './lock-file.ts';
import type { BundledPackage } from './packages.ts';
import type { Architecture } from './runtime.ts';
import packageJson from '../../package.json' with { type: 'json' };

/** Describes a package's content in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). */
export async function billOfMaterials(
  packages: readonly BundledPackage[],
  architecture: Architecture,
): Promise<string> {
  const runtime = await lockedPackage(`node-linux-${architecture}`);
  const { name, version, license } = packageJson;
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: component('application', name, version, license) },
    components: [
      {
        ...component('platform', `node-linux-${architecture}`, runtime.version, 'MIT'),
        hashes: [sha512(runtime.integrity)],
        // Node's own components. The builder runs the same version.
        components: Object.entries(process.versions)
          .filter(([part]) => !['node', 'modules', 'napi'].includes(part))
          .map(([part, version]) => ({ type: 'library', name: part, version })),
      },
      ...packages.map((one) => ({
        ...component('library', one.name, one.version, one.licence),
        hashes: [sha512(one.integrity)],
      })),
    ],
  };
  return `${JSON.stringify(bill, undefined, 2)}\n`;
}

function component(type: string, name: string, version: string, licence: string): Record<string, unknown> {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return { type, name, version, purl, 'bom-ref': purl, licenses: [{ expression: licence }] };
}

/** The lock file has hashes in base64. */
const sha512 = (integrity: string): { alg: string; content: string } => ({
  alg: 'SHA-512',
  content: Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex'),
});
