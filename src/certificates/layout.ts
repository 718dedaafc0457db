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
  /** A node that has one of these files is laid out like this. */
  evidence: readonly string[];
  roles: Readonly<Record<Role, RoleLayout>>;
};

export const ROLES = ['master', 'worker'] as const;
export type Role = (typeof ROLES)[number];

/** What Magnum calls `ca_cert_type`. `kubelet` and `kubernetes` are the same CA. */
export type CaType = 'kubernetes' | 'kubelet' | 'etcd' | 'front-proxy';

export type RoleLayout = {
  authorities: readonly AuthorityRow[];
  certificates: readonly CertificateRow[];
  serviceAccount: ServiceAccountRow | undefined;
  kubeconfigs: readonly KubeconfigRow[];
  /** In the order in which they are restarted. */
  units: readonly UnitRow[];
};

/** What a file gets when it is new; one that replaces another takes that one's. */
export type FileRow = { path: string; owner: string; group: string; mode: number; directoryMode: number };

export type AuthorityRow = { ca: CaType; file: FileRow };

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
  certificateFile: FileRow;
  keyFile: FileRow;
};

export type SubjectAttribute = 'CN' | 'O' | 'OU' | 'C' | 'ST' | 'L';
export type KeyUsage = 'digitalSignature' | 'keyEncipherment';
export type ExtendedKeyUsage = 'clientAuth' | 'serverAuth';

export type ServiceAccountRow = { publicKeyFile: FileRow; privateKeyFile: FileRow };

/** A kubeconfig that holds a certificate of this layout as base64. */
export type KubeconfigRow = {
  file: FileRow;
  /** Whether to make it when the node has none. */
  create: boolean;
  certificate: string;
  ca: CaType;
  /** For a new one: the names in it and the address of the API server. */
  user: string;
  server: string;
};

export type UnitRow = {
  unit: string;
  /** A node without a required unit is not as the layout says: nothing is replaced there. */
  required: boolean;
  /** The TLS port that must present a certificate of this layout once the unit has been restarted. */
  probe: { host: string; port: string; presents: string } | undefined;
  /** Where it says that it is well, and which certificate of the layout to ask it with. */
  health: { url: string; as?: string } | undefined;
};
