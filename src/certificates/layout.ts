import type { Remark } from '../base/remark.ts';

/**
 * A layout says which certificates a node of a role has, where they lie, who uses them. It is a table: a new
 * kind of node is a new table, not new code.
 *
 * Texts may hold `{KEY}`: the value of that heat-params key, or of a fact (see template.ts).
 */
export type Layout = {
  name: string;
  /** One line for `agent plan`. */
  description: string;
  /** A node whose heat-params give one of these keys, or that has one of these files, is laid out like this. */
  evidence: { params: readonly string[]; files: readonly string[] };
  /** What cannot be done for such a node, for `agent plan`; `own`: the sentence of an operator's layout. */
  limits: readonly Remark<LimitCode>[];
  roles: Readonly<Record<Role, RoleLayout>>;
};

export type LimitCode = 'ca-keys-stay' | 'static-pods' | 'own';

export const ROLES = ['master', 'worker'] as const;
export type Role = (typeof ROLES)[number];

/** What Magnum calls `ca_cert_type`. `kubelet` and `kubernetes` are the same CA, and what one gets without asking for a type. */
export const CA_TYPES = ['kubernetes', 'kubelet', 'etcd', 'front-proxy'] as const;
export type CaType = (typeof CA_TYPES)[number];

export type RoleLayout = {
  authorities: readonly AuthorityRow[];
  certificates: readonly CertificateRow[];
  serviceAccount: ServiceAccountRow | undefined;
  signer?: SignerRow;
  kubeconfigs: readonly KubeconfigRow[];
  /** In the order in which they are restarted. */
  units: readonly UnitRow[];
  /** Lists of revoked certificates, as far as anything here goes by one. */
  revocationLists?: readonly RevocationListRow[];
  /** Files with the cluster's login to OpenStack, beside heat-params; a node may have any of them. */
  credentials: readonly CredentialRow[];
};

/** What a file gets when it is new; one that replaces another takes that one's. */
export type FileRow = { path: string; owner: string; group: string; mode: number; directoryMode: number };

export type AuthorityRow = {
  ca: CaType;
  file: FileRow;
  /**
   * Who reads it takes exactly one certificate, as kube-controller-manager does of the CA that it signs with. It gets
   * the new CA with the certificates that this one signs. Every other file is for who verifies, and may hold several.
   */
  single?: boolean;
  /** Only kept up for a node that has it already. */
  optional?: boolean;
};

export type CertificateRow = {
  /** How the other tables refer to it; unique within a role. */
  name: string;
  ca: CaType;
  /** Attributes in their order: `['CN', 'kubernetes']`. */
  subject: readonly (readonly [SubjectAttribute, string])[];
  /** Each becomes an IP or a DNS name by its form; empty ones and repeated ones are left out. */
  names: readonly string[];
  /** Critical key usage, or none. */
  keyUsage: readonly KeyUsage[];
  extendedKeyUsage: readonly ExtendedKeyUsage[];
  /** Both may be the same file; one that lies in kubeconfigs alone has none. */
  files: { certificate: FileRow; key: FileRow } | undefined;
  /** Only made for a node that has it already: its file, or a kubeconfig that embeds it. */
  optional?: boolean;
};

export const SUBJECT_ATTRIBUTES = ['CN', 'O', 'OU', 'C', 'ST', 'L'] as const;
export type SubjectAttribute = (typeof SUBJECT_ATTRIBUTES)[number];
export const KEY_USAGES = ['digitalSignature', 'keyEncipherment'] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];
export const EXTENDED_KEY_USAGES = ['clientAuth', 'serverAuth'] as const;
export type ExtendedKeyUsage = (typeof EXTENDED_KEY_USAGES)[number];

export type ServiceAccountRow = {
  publicKeyFile: FileRow;
  privateKeyFile: FileRow;
  /** The units that verify tokens: they are restarted when an old public key goes. */
  verifiers: readonly string[];
  /** The units that sign them: they are restarted, too, when another pair comes. */
  signers: readonly string[];
};

/**
 * kube-controller-manager, where a CA's private key lies on the node and it signs with the file of an authority. It takes
 * exactly one certificate, and that of its key. So it gets a file of its own, before the other one holds anything else.
 */
export type SignerRow = {
  ca: CaType;
  /** The file with its arguments. */
  argumentsFile: string;
  file: FileRow;
};

/** A kubeconfig that holds a certificate of this layout as base64. */
export type KubeconfigRow = {
  file: FileRow;
  /** Whether to make it when the node has none. */
  create: boolean;
  /** A new one names the files of its certificate in place of embedding them. */
  byPath?: boolean;
  certificate: string;
  ca: CaType;
  /** For a new one: the names in it and the address of the API server. */
  user: string;
  server: string;
};

export const CREDENTIAL_FORMATS = ['ini', 'yaml', 'shell'] as const;

export type CredentialRow = {
  file: string;
  format: (typeof CREDENTIAL_FORMATS)[number];
  /** Who reads it and is restarted when it changes: units of the role, or others that a node may have. */
  units: readonly string[];
  /** Whoever else reads it, and is not restarted by this program. */
  others?: string;
};

export type UnitRow = {
  unit: string;
  /** A node without a required unit is not as the layout says: nothing is replaced there. */
  required: boolean;
  /** How long it may take, if that is not what the configuration says for all. */
  deadlineSeconds?: number | undefined;
  /** The TLS port that must present a certificate of this layout once the unit has been restarted. */
  probe: { host: string; port: string; presents: string } | undefined;
  /** Where it says that it is well, and which certificate of the layout to ask it with. */
  health: { url: string; as?: string } | undefined;
  /** It is the Kubernetes API, on the port of its probe, and whom it is asked as may do everything there. */
  isKubernetesApi?: boolean;
};

export const LIST_READERS = ['etcd', 'openssl'] as const;
/** Whose rules a service follows (list-readers.ts). */
export type ListReader = (typeof LIST_READERS)[number];

/** The file with what a CA has revoked, and the unit of this role that goes by it. */
export type RevocationListRow = {
  ca: CaType;
  file: FileRow;
  unit: string;
  reader: ListReader;
  /** Configuration files that may name it, beside what systemd knows of the unit; of a directory all that lie in it. */
  namedIn?: readonly string[];
};
