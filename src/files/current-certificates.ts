import type { RoleLayout } from '../certificates/layout.ts';
import type { CurrentCertificates } from '../certificates/recognize.ts';

/**
 * Reads the node's present certificates, so that copies of them can be recognized.
 *
 * @throws `bad-file` if a kubeconfig that contains the only copy of a certificate is not YAML
 */
export async function readCurrentCertificates(
  { authorities, certificates, kubeconfigs }: RoleLayout,
  read: (path: string) => Promise<string | undefined>,
): Promise<CurrentCertificates> {
  const { identityIn, readSource } = await import('./kubeconfig-contents.ts');
  const inKubeconfig = async (name: string): Promise<string> => {
    const path = kubeconfigs.find(({ certificate }) => certificate === name)?.file.path;
    const text = path === undefined ? undefined : await read(path);
    if (path === undefined || !text) return '';
    return (await readSource(path, identityIn(path, text).certificate, read)) ?? '';
  };
  return {
    authorities: await Promise.all(
      authorities.map(async ({ ca, file }) => [ca, (await read(file.path)) ?? ''] as const),
    ),
    certificates: await Promise.all(
      certificates.map(async ({ name, files }) => {
        const pem = files ? ((await read(files.certificate.path)) ?? '') : await inKubeconfig(name);
        return [name, pem] as const;
      }),
    ),
  };
}
