import type { RoleLayout } from '../certificates/layout.ts';
import type { CurrentCertificates } from '../certificates/recognize.ts';

/**
 * What the node has now of its layout, for copies of it to be recognized by.
 *
 * @throws `bad-file` when a kubeconfig that holds the only copy of a certificate is no YAML
 */
export async function readCurrentCertificates(
  { authorities, certificates, kubeconfigs }: RoleLayout,
  read: (path: string) => Promise<string | undefined>,
): Promise<CurrentCertificates> {
  const { embeddedIn } = await import('./kubeconfig.ts');
  const embedded = async (name: string): Promise<string> => {
    const row = kubeconfigs.find(({ certificate }) => certificate === name);
    const text = row && (await read(row.file.path));
    return (row && text && embeddedIn(row.file.path, text).certificate) ?? '';
  };
  return {
    authorities: await Promise.all(
      authorities.map(async ({ ca, file }) => [ca, (await read(file.path)) ?? ''] as const),
    ),
    certificates: await Promise.all(
      certificates.map(async ({ name, files }) => {
        const pem = files ? ((await read(files.certificate.path)) ?? '') : await embedded(name);
        return [name, pem] as const;
      }),
    ),
  };
}
