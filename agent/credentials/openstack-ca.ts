import { AgentError } from '../../src/base/errors.ts';
import type { Disk } from '../../src/base/disk.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import type { CredentialRow } from '../../src/certificates/layout.ts';
import type { ManagedFile } from '../../src/files/managed-file.ts';

/** The file where Magnum stores the CAs of its own cloud. Its services and pods refer to this path. */
export const CA_BUNDLE = '/etc/kubernetes/ca-bundle.crt';

/** The new bundle as a file, the previous bundle, and the units that read it. */
export type CaChange = { file: ManagedFile; former: string | undefined; units: readonly string[] };

/**
 * Plans the change of the cloud's CA bundle. Units that read it are found by the files that name its path.
 *
 * @returns undefined if the node already has this bundle
 * @throws `bad-deployment` if one of its certificates cannot be read
 */
export async function changeCaBundle(
  pem: string,
  rows: readonly CredentialRow[],
  disk: Disk,
): Promise<CaChange | undefined> {
  try {
    certificatesIn(pem, 'openstack_ca');
  } catch (cause) {
    throw new AgentError('bad-deployment', 'openstack_ca: a certificate in it cannot be read', {
      cause,
      reason: 'input-no-certificate',
    });
  }
  const path = await disk.resolve(CA_BUNDLE);
  const found = (await disk.info(path)) ? await disk.snapshot(path) : undefined;
  const former = found?.content.toString('utf8');
  if (former === pem) return undefined;
  const units = new Set<string>();
  for (const row of rows) {
    const at = await disk.resolve(row.file);
    if ((await disk.info(at))?.type === 'file' && (await disk.read(at)).includes(CA_BUNDLE))
      for (const unit of row.units) units.add(unit);
  }
  return {
    file: {
      path,
      content: pem,
      ...(found && { madeFrom: found.id }),
      owner: 'root',
      group: 'root',
      mode: 0o644,
      directoryMode: 0o755,
    },
    former,
    units: [...units],
  };
}
