import { AgentError } from '../../src/base/errors.ts';
import type { Disk } from '../../src/base/disk.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import type { CredentialRow } from '../../src/certificates/layout.ts';
import type { ManagedFile } from '../../src/files/managed-file.ts';

/** Where Magnum puts the CAs of its own cloud; its services and pods name this path. */
export const CA_BUNDLE = '/etc/kubernetes/ca-bundle.crt';

/** The new bundle as a file, the one before, and the units that read it. */
export type CaChange = { file: ManagedFile; former: string | undefined; units: readonly string[] };

/**
 * The change of the cloud's CA bundle. Its readers are those of the files that name it.
 *
 * @returns undefined if the node has it already
 * @throws `bad-deployment` if a certificate in it cannot be read
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
