import * as v from 'valibot';
import {
  CA_TYPES,
  CREDENTIAL_FORMATS,
  EXTENDED_KEY_USAGES,
  KEY_USAGES,
  LIST_READERS,
  SUBJECT_ATTRIBUTES,
} from './layout.ts';

/** The rows of an operator's layout in YAML. */

const absolutePath = v.pipe(
  v.string(),
  v.regex(/^\/\P{Cc}*[^/\p{Cc}]$/u, 'is not an absolute path of a file'),
);
// YAML reads an unquoted 0644 as a decimal number.
const mode = v.pipe(
  v.string("has to be text in quotes, such as '0640'"),
  v.regex(/^0?[0-7]{3}$/, "is not a mode such as '0640'"),
);
const FileMap = v.strictObject({
  path: absolutePath,
  owner: v.optional(v.string()),
  group: v.optional(v.string()),
  mode: v.optional(mode),
  directory_mode: v.optional(mode),
});
export type FileText = string | v.InferOutput<typeof FileMap>;
const file: v.GenericSchema<FileText> = v.lazy((input) =>
  typeof input === 'object' ? FileMap : absolutePath,
);

export const name = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'is not a valid name'));
const ca = v.picklist(CA_TYPES);
const flag = v.optional(v.boolean(), false);

const Certificate = v.strictObject({
  name,
  ca,
  subject: v.pipe(
    v.array(
      v.pipe(
        v.string(),
        v.regex(
          new RegExp(`^(${SUBJECT_ATTRIBUTES.join('|')})=.`),
          `is not ATTRIBUTE=value, with one of ${SUBJECT_ATTRIBUTES.join(', ')}`,
        ),
      ),
    ),
    v.minLength(1, 'is empty'),
  ),
  names: v.optional(v.array(v.string()), []),
  key_usage: v.optional(v.array(v.picklist(KEY_USAGES)), []),
  extended_key_usage: v.optional(v.array(v.picklist(EXTENDED_KEY_USAGES)), []),
  certificate_file: v.optional(file),
  key_file: v.optional(file),
  optional: flag,
});

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const unitName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9:_.@\\-]*$/, 'is not a valid unit name'));
const Unit = v.strictObject({
  unit: unitName,
  required: v.optional(v.boolean(), true),
  deadline_seconds: v.optional(v.pipe(v.number(), v.minValue(0.01))),
  probe: v.optional(
    v.strictObject({
      host: v.optional(v.string(), '127.0.0.1'),
      port: v.lazy((input) => (typeof input === 'string' ? v.string() : port)),
      presents: v.string(),
    }),
  ),
  health: v.optional(
    v.strictObject({
      url: v.pipe(v.string(), v.regex(/^https?:/, 'is not an http address')),
      as: v.optional(v.string()),
    }),
  ),
  stop_first: v.optional(v.array(unitName)),
  kubernetes_api: flag,
});

const Kubeconfig = v.strictObject({
  file,
  create: flag,
  by_path: flag,
  certificate: v.string(),
  ca,
  user: v.optional(v.string(), '{INSTANCE_NAME}'),
  server: v.optional(v.string(), 'https://{KUBE_API_PRIVATE_ADDRESS|127.0.0.1}:{KUBE_API_PORT|6443}'),
});

const RevocationList = v.strictObject({
  ca,
  file,
  unit: v.string(),
  reader: v.optional(v.picklist(LIST_READERS), 'openssl'),
  named_in: v.optional(v.array(absolutePath), []),
});

const Credentials = v.strictObject({
  file: absolutePath,
  format: v.picklist(CREDENTIAL_FORMATS),
  units: v.optional(v.array(unitName), []),
});

export const RoleRows = v.strictObject({
  authorities: v.pipe(
    v.array(v.strictObject({ ca, file, single: flag, optional: flag })),
    v.minLength(1, 'is empty'),
  ),
  certificates: v.pipe(v.array(Certificate), v.minLength(1, 'is empty')),
  kubeconfigs: v.optional(v.array(Kubeconfig), []),
  service_account: v.optional(
    v.strictObject({
      public_key_file: file,
      private_key_file: file,
      verifiers: v.optional(v.array(v.string())),
      signers: v.optional(v.array(v.string())),
    }),
  ),
  units: v.optional(v.array(Unit), []),
  revocation_lists: v.optional(v.array(RevocationList), []),
  credentials: v.optional(v.array(Credentials), []),
});
export type RoleText = v.InferOutput<typeof RoleRows>;
