/** New material for a kubeconfig, PEM. */
export type Identity = { ca: string; certificate: string; key: string };

const encode = (text: string): string => Buffer.from(text).toString('base64');

/** A JSON string is a valid YAML string, whatever it contains. */
const quote = (value: string): string => JSON.stringify(value);

/**
 * Creates a kubeconfig for a node that has none.
 *
 * @param files paths of the certificate and its key, to name them instead of embedding them
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
