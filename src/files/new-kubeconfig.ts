/** New material for a kubeconfig, PEM. */
export type Identity = { ca: string; certificate: string; key: string };

const encode = (text: string): string => Buffer.from(text).toString('base64');

/** JSON strings are YAML strings, whatever is in them. */
const quote = (value: string): string => JSON.stringify(value);

/**
 * A kubeconfig for a node that has none.
 *
 * @param files of the certificate and its key, if they are to be named in place of being embedded
 */
export function newKubeconfig(
  identity: Identity,
  names: { cluster: string; user: string; server: string },
  files?: { certificate: string; key: string },
): string {
  const { cluster, user, server } = names;
  const [certificate, key] = files
    ? [`client-certificate: ${quote(files.certificate)}`, `client-key: ${quote(files.key)}`]
    : [
        `client-certificate-data: ${encode(identity.certificate)}`,
        `client-key-data: ${encode(identity.key)}`,
      ];
  return `apiVersion: v1
kind: Config
clusters:
- name: ${quote(cluster)}
  cluster:
    server: ${quote(server)}
    certificate-authority-data: ${encode(identity.ca)}
users:
- name: ${quote(user)}
  user:
    ${certificate}
    ${key}
contexts:
- name: ${quote(`${user}@${cluster}`)}
  context:
    cluster: ${quote(cluster)}
    user: ${quote(user)}
current-context: ${quote(`${user}@${cluster}`)}
`;
}
