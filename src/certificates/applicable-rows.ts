import type { CertificateRow, RoleLayout } from './layout.ts';

/**
 * Selects the rows of a role that apply to this node. Optional rows apply if their files exist, as do kubeconfigs that
 * are not created. Probes and health checks of units apply if their certificates do.
 */
export async function applicableRows(
  role: RoleLayout,
  exists: (path: string) => Promise<boolean>,
): Promise<RoleLayout> {
  const kubeconfigs = await filter(role.kubeconfigs, async ({ create, file }) =>
    create ? true : await exists(file.path),
  );
  const certificates = await filter(role.certificates, async ({ name, optional, files }: CertificateRow) => {
    if (optional !== true) return true;
    if (kubeconfigs.some(({ certificate }) => certificate === name)) return true;
    return files !== undefined && (await exists(files.certificate.path));
  });
  const authorities = await filter(role.authorities, async ({ optional, file }) =>
    optional === true ? await exists(file.path) : true,
  );
  const isHere = (name: string | undefined): boolean =>
    name === undefined || certificates.some((row) => row.name === name);
  const units = role.units.map((row) => ({
    ...row,
    probe: isHere(row.probe?.presents) ? row.probe : undefined,
    health: isHere(row.health?.as) ? row.health : undefined,
  }));
  return { ...role, authorities, certificates, kubeconfigs, units };
}

async function filter<T>(rows: readonly T[], keep: (row: T) => Promise<boolean>): Promise<T[]> {
  const verdicts = await Promise.all(rows.map(keep));
  return rows.filter((_, index) => verdicts[index]);
}
