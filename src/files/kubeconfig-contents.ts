import { dirname, resolve } from 'node:path';
import {
  type Entry,
  type Field,
  type KubeconfigDocument,
  documentsOf,
  textOf,
} from './kubeconfig-document.ts';

/** What a kubeconfig says of a certificate or a key: the PEM that it embeds, or the file that it names. */
export type Source = { pem: string; file?: never } | { file: string; pem?: never };

/** What is embedded wins over a file that is named beside it, as in kubectl. */
function sourceOf(field: Entry['field'], key: string): Source | undefined {
  const embedded = field(`${key}-data`);
  if (embedded) return { pem: readField(embedded).pem };
  const named = field(key);
  return named && { file: textOf(named.scalar) };
}

/** What an entry of a kubeconfig says. */
export type KubeconfigEntry = {
  /** `cluster k1`, `user admin` */
  entry: string;
  ca?: Source | undefined;
  certificate?: Source | undefined;
  key?: Source | undefined;
};

/** @throws `bad-file` with line and column when it is no YAML */
export function entriesOf(path: string, text: string): KubeconfigEntry[] {
  return documentsOf(path, text).flatMap((document) => [
    ...document.entries('clusters', 'cluster').map(({ name, field }) => ({
      entry: `cluster ${name ?? ''}`.trim(),
      ca: sourceOf(field, 'certificate-authority'),
    })),
    ...document.entries('users', 'user').map(({ name, field }) => ({
      entry: `user ${name ?? ''}`.trim(),
      certificate: sourceOf(field, 'client-certificate'),
      key: sourceOf(field, 'client-key'),
    })),
  ]);
}

/** A pair as a user of a kubeconfig has it; files by their whole paths. */
export type KubeconfigUser = { path: string; certificate: Source | undefined; key: Source | undefined };

/** @throws as entriesOf */
export function usersOf(path: string, text: string): KubeconfigUser[] {
  const whole = (source: Source | undefined): Source | undefined =>
    source?.file === undefined ? source : { file: resolve(dirname(path), source.file) };
  return entriesOf(path, text).flatMap(({ certificate, key }) =>
    certificate || key ? [{ path, certificate: whole(certificate), key: whole(key) }] : [],
  );
}

/** The files that a kubeconfig names in place of embedding them, as it writes them. @throws as entriesOf */
export const filesNamedIn = (path: string, text: string): string[] =>
  entriesOf(path, text).flatMap(({ ca, certificate, key }) =>
    [ca, certificate, key].flatMap((source) => source?.file ?? []),
  );

/**
 * Whom the user of the current context trusts and what it presents; undefined for what is not said at all. As kubectl
 * reads it (1.32, measured): the first document of the file, and in it the last of several lists of one name.
 */
export function identityIn(
  path: string,
  text: string,
): { ca: Source | undefined; certificate: Source | undefined; key: Source | undefined } {
  const [document] = documentsOf(path, text);
  const current = document && currentContext(document);
  const source = (list: string, part: string, name: string | undefined, key: string): Source | undefined => {
    const entry = document?.entries(list, part).findLast((one) => isCurrent(one.name, name));
    return entry && sourceOf(entry.field, key);
  };
  return {
    ca: source('clusters', 'cluster', current?.cluster, 'certificate-authority'),
    certificate: source('users', 'user', current?.user, 'client-certificate'),
    key: source('users', 'user', current?.user, 'client-key'),
  };
}

/** The API server that the current context asks. @throws as entriesOf */
export function serverIn(path: string, text: string): string | undefined {
  const [document] = documentsOf(path, text);
  const current = document && currentContext(document);
  const entry = document
    ?.entries('clusters', 'cluster')
    .findLast((one) => isCurrent(one.name, current?.cluster));
  const server = entry?.field('server');
  return server && textOf(server.scalar);
}

/** @param path of the kubeconfig: the names in it are relative to its directory */
export const readSource = async (
  path: string,
  source: Source | undefined,
  read: (path: string) => Promise<string | undefined>,
): Promise<string | undefined> =>
  source?.file === undefined ? source?.pem : await read(resolve(dirname(path), source.file));

/** An entry without a name is nobody's, least of all that of a file without a current context. */
export const isCurrent = (name: string | undefined, current: string | undefined): boolean =>
  name !== undefined && name === current;

/** The cluster and the user that kubectl would take. */
export function currentContext(document: KubeconfigDocument): {
  cluster: string | undefined;
  user: string | undefined;
} {
  const wanted = document.text('current-context');
  const context = document.entries('contexts', 'context').findLast(({ name }) => isCurrent(name, wanted));
  const named = (key: string): string | undefined => {
    const found = context?.field(key);
    return found && textOf(found.scalar);
  };
  return { cluster: named('cluster'), user: named('user') };
}

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8');

/**
 * What a field embeds, and the text that another PEM is in its place. What is tagged `!!binary` is base64 of what
 * kubectl takes, which is base64 again; some have it only once.
 */
export function readField({ scalar }: Pick<Field, 'scalar'>): {
  pem: string;
  write: (pem: string) => string;
} {
  const text = textOf(scalar);
  if (typeof scalar.value === 'string') return { pem: decode(text), write: encode };
  return text.includes('-----BEGIN')
    ? { pem: text, write: encode }
    : { pem: decode(text), write: (pem) => encode(encode(pem)) };
}
