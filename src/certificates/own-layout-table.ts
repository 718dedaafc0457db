import {
  type CertificateRow,
  type FileRow,
  type Layout,
  type RoleLayout,
  SUBJECT_ATTRIBUTES,
  type UnitRow,
} from './layout.ts';
import type { OwnLayout } from './own-layout.ts';
import type { FileText, RoleText } from './own-layout-rows.ts';

/** Converts an operator's layout to the type of the built-in ones. */
export function tableOf({ evidence, roles, limits, ...rest }: OwnLayout): Layout {
  const { node, master = node, worker = node } = roles;
  if (!master || !worker) throw new TypeError('a layout without roles has passed its check');
  // Both roles share one object if there is only one, so that the node's role does not matter.
  const first = roleOf(master);
  return {
    ...rest,
    limits: (limits ?? []).map((text) => ({ code: 'own', text })),
    evidence: { files: evidence.files ?? [], params: evidence.params ?? [] },
    roles: { master: first, worker: worker === master ? first : roleOf(worker) },
  };
}

const PUBLIC = 0o644;
const SECRET = 0o600;

const roleOf = (role: RoleText): RoleLayout => ({
  authorities: role.authorities.map(({ ca, file, single, optional }) => ({
    ca,
    single,
    optional,
    file: fileOf(file, PUBLIC),
  })),
  certificates: role.certificates.map(certificateOf),
  serviceAccount: role.service_account && {
    publicKeyFile: fileOf(role.service_account.public_key_file, PUBLIC),
    privateKeyFile: fileOf(role.service_account.private_key_file, SECRET),
    verifiers: role.service_account.verifiers ?? role.units.map(({ unit }) => unit),
    signers: role.service_account.signers ?? role.units.map(({ unit }) => unit),
  },
  kubeconfigs: role.kubeconfigs.map(({ file, by_path: byPath, ...rest }) => ({
    ...rest,
    byPath,
    file: fileOf(file, SECRET),
  })),
  units: role.units.map(unitOf),
  revocationLists: role.revocation_lists.map(({ file, named_in: namedIn, ...rest }) => ({
    ...rest,
    namedIn,
    file: fileOf(file, PUBLIC),
  })),
  credentials: role.credentials,
});

function certificateOf(row: RoleText['certificates'][number]): CertificateRow {
  const { name, ca, names, optional, certificate_file: certificate, key_file: key } = row;
  // If both share one file, the key determines its mode.
  const isShared = certificate !== undefined && key !== undefined && pathOf(certificate) === pathOf(key);
  return {
    name,
    ca,
    subject: row.subject.flatMap((text) => {
      const attribute = SUBJECT_ATTRIBUTES.find((candidate) => text.startsWith(`${candidate}=`));
      return attribute ? [[attribute, text.slice(attribute.length + 1)] as const] : [];
    }),
    names,
    keyUsage: row.key_usage,
    extendedKeyUsage: row.extended_key_usage,
    files:
      certificate === undefined || key === undefined
        ? undefined
        : { certificate: fileOf(certificate, isShared ? SECRET : PUBLIC), key: fileOf(key, SECRET) },
    optional,
  };
}

const unitOf = ({
  unit,
  required,
  deadline_seconds,
  probe,
  health,
  stop_first: stopFirst,
  kubernetes_api: isKubernetesApi,
}: RoleText['units'][number]): UnitRow => ({
  unit,
  required,
  deadlineSeconds: deadline_seconds,
  probe: probe && { ...probe, port: String(probe.port) },
  health: health && { url: health.url, ...(health.as === undefined ? {} : { as: health.as }) },
  ...(stopFirst && { stopFirst }),
  ...(isKubernetesApi && { isKubernetesApi }),
});

function fileOf(file: FileText, mode: number): FileRow {
  const { path, ...given } = typeof file === 'string' ? { path: file } : file;
  return {
    path,
    owner: given.owner ?? 'root',
    group: given.group ?? given.owner ?? 'root',
    mode: octal(given.mode) ?? mode,
    directoryMode: octal(given.directory_mode) ?? 0o755,
  };
}

const pathOf = (file: FileText): string => (typeof file === 'string' ? file : file.path);
const octal = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number.parseInt(text, 8);
