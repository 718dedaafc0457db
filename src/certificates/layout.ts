import type { Remark } from '../base/remark.ts';

/**
 * A layout defines which certificates a node of a role has, where they are stored, and which units use them. It is a
 * table: a new kind of node needs a new table, but no new code.
 *
 * Texts may contain `{KEY}`: the value of that heat-params key, or of a fact (see template.ts).
 */
export type Layout = {
  name: string;
  /** One line for `agent plan`. */
  description: string;
  /** A node matches if its heat-params set one of these keys, or if one of these files exists. */
  evidence: { params: readonly string[]; files: readonly string[] };
  /** Limitations on such a node, for `agent plan`; `own`: from an operator's layout. */
  limits: readonly Remark<LimitCode>[];
  roles: Readonly<Record<Role, RoleLayout>>;
};

export type LimitCode = 'ca-keys-stay' | 'static-pods' | 'own';

export const ROLES = ['master', 'worker'] as const;
export type Role = (typeof ROLES)[number];

/** Magnum's `ca_cert_type`. `kubelet` and `kubernetes` are the same CA, which is also the default. */
export const CA_TYPES = ['kubernetes', 'kubelet', 'etcd', 'front-proxy'] as const;
export type CaType = (typeof CA_TYPES)[number];

export type RoleLayout = {
  authorities: readonly AuthorityRow[];
  certificates: readonly CertificateRow[];
  serviceAccount: ServiceAccountRow | undefined;
  signer?: SignerRow;
  kubeconfigs: readonly KubeconfigRow[];
  /** In the order of their restart. */
  units: readonly UnitRow[];
  /** Revocation lists that are enforced on this node. */
  revocationLists?: readonly RevocationListRow[];
  /** Files with the cluster's OpenStack credentials, besides heat-params; a node may have any of them. */
  credentials: readonly CredentialRow[];
};

/** The attributes of a new file; a file that replaces another keeps that one's. */
export type FileRow = { path: string; owner: string; group: string; mode: number; directoryMode: number };

export type AuthorityRow = {
  ca: CaType;
  file: FileRow;
  /**
   * Its reader requires exactly one certificate, like kube-controller-manager for the CA it signs with. It gets the new
   * CA together with the certificates signed by that CA. Every other file is a trust bundle and may contain several.
   */
  single?: boolean;
  /** Updated only if the node already has it. */
  optional?: boolean;
};

export type CertificateRow = {
  /** The name used by other rows; unique within a role. */
  name: string;
  ca: CaType;
  /** Attributes in order: `['CN', 'kubernetes']`. */
  subject: readonly (readonly [SubjectAttribute, string])[];
  /** Each is an IP address or a DNS name, by its form. Empty and duplicate ones are omitted. */
  names: readonly string[];
  /** Critical key usage; empty for none. */
  keyUsage: readonly KeyUsage[];
  extendedKeyUsage: readonly ExtendedKeyUsage[];
  /** Both may be the same file; undefined if the certificate exists only within kubeconfigs. */
  files: { certificate: FileRow; key: FileRow } | undefined;
  /** Issued only if the node already has it: as a file or embedded in a kubeconfig. */
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
  /** The units that verify tokens; restarted when an old public key is removed. */
  verifiers: readonly string[];
  /** The units that sign tokens; also restarted when the pair changes. */
  signers: readonly string[];
};

/**
 * kube-controller-manager on a node that stores a CA's private key: it signs with the file of an authority. It requires
 * exactly one certificate, matching its key. So it gets a separate file before the other file contains more
 * certificates.
 */
export type SignerRow = {
  ca: CaType;
  /** The file with its arguments. */
  argumentsFile: string;
  file: FileRow;
};

/** A kubeconfig that embeds a certificate of this layout as base64. */
export type KubeconfigRow = {
  file: FileRow;
  /** Whether to create it if the node has none. */
  create: boolean;
  /** A new one names the files of its certificate instead of embedding them. */
  byPath?: boolean;
  certificate: string;
  ca: CaType;
  /** For a new one: the user's name and the address of the API server. */
  user: string;
  server: string;
};

export const CREDENTIAL_FORMATS = ['ini', 'yaml', 'shell'] as const;

export type CredentialRow = {
  file: string;
  format: (typeof CREDENTIAL_FORMATS)[number];
  /** The units that read it and are restarted when it changes: units of the role, or others that a node may have. */
  units: readonly string[];
  /** Other readers, which this program does not restart. */
  others?: string;
};

export type UnitRow = {
  unit: string;
  /** If a required unit is missing, the node does not match the layout, and nothing is replaced. */
  required: boolean;
  /** Time limit, if it differs from the configured one. */
  deadlineSeconds?: number | undefined;
  /** The TLS port that must serve a certificate of this layout after the restart. */
  probe: { host: string; port: string; presents: string } | undefined;
  /** The health endpoint, and the certificate of the layout to use as client. */
  health: { url: string; as?: string } | undefined;
  /**
   * Later units of this role that fail requests while this one restarts, as kube-apiserver does without its etcd. They
   * are stopped before it and started when their own restart is due: a load balancer passes over a closed port.
   */
  stopFirst?: readonly string[];
  /** This is the Kubernetes API, on the port of its probe; the certificate of its health check has all rights there. */
  isKubernetesApi?: boolean;
};

export const LIST_READERS = ['etcd', 'openssl'] as const;
/** The rules that a service applies to revocation lists (list-readers.ts). */
export type ListReader = (typeof LIST_READERS)[number];

/** The file with a CA's revocation list, and the unit of this role that enforces it. */
export type RevocationListRow = {
  ca: CaType;
  file: FileRow;
  unit: string;
  reader: ListReader;
  /** Configuration files that may name it, besides systemd's settings of the unit; of a directory, all files in it. */
  namedIn?: readonly string[];
};
