import { dirname, resolve } from 'node:path';
import {
  type Entry,
  type Field,
  type KubeconfigDocument,
  documentsOf,
  textOf,
} from './kubeconfig-document.ts';

/** A certificate or key in a kubeconfig: embedded PEM, or the name of a file. */
export type Source = { pem: string; file?: never } | { file: string; pem?: never };

/** Reads one field. An embedded value overrides a file named beside it, as in kubectl. */
function sourceOf(field: Entry['field'], key: string): Source | undefined {
  const embedded = field(`${key}-data`);
  if (embedded) return { pem: readField(embedded).pem };
  const named = field(key);
  return named && { file: textOf(named.scalar) };
}

/** The certificates of one entry of a kubeconfig. */
export type KubeconfigEntry = {
  /** `cluster k1`, `user admin` */
  entry: string;
  ca?: Source | undefined;
  certificate?: Source | undefined;
  key?: Source | undefined;
};

/** Reads all entries. @throws `bad-file` with line and column if it is not YAML */
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

/** The pair of a user in a kubeconfig, with absolute paths. */
export type KubeconfigUser = { path: string; certificate: Source | undefined; key: Source | undefined };

/** @throws as entriesOf */
export function usersOf(path: string, text: string): KubeconfigUser[] {
  const whole = (source: Source | undefined): Source | undefined =>
    source?.file === undefined ? source : { file: resolve(dirname(path), source.file) };
  return entriesOf(path, text).flatMap(({ certificate, key }) =>
    certificate || key ? [{ path, certificate: whole(certificate), key: whole(key) }] : [],
  );
}

/**
 * Returns the files that a kubeconfig names instead of embedding their content, as written there. @throws as entriesOf
 */
export const filesNamedIn = (path: string, text: string): string[] =>
  entriesOf(path, text).flatMap(({ ca, certificate, key }) =>
    [ca, certificate, key].flatMap((source) => source?.file ?? []),
  );

/**
 * Returns the CA and the client pair of the current context; undefined where they are not set. Follows kubectl (1.32,
 * measured): the file's first document, and in it the last of several lists with the same name.
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

/** Returns the API server of the current context. @throws as entriesOf */
export function serverIn(path: string, text: string): string | undefined {
  const [document] = documentsOf(path, text);
  const current = document && currentContext(document);
  const entry = document
    ?.entries('clusters', 'cluster')
    .findLast((one) => isCurrent(one.name, current?.cluster));
  const server = entry?.field('server');
  return server && textOf(server.scalar);
}

/** @param path the kubeconfig: the file names in it are relative to its directory */
export const readSource = async (
  path: string,
  source: Source | undefined,
  read: (path: string) => Promise<string | undefined>,
): Promise<string | undefined> =>
  source?.file === undefined ? source?.pem : await read(resolve(dirname(path), source.file));

/** An entry without a name never matches, not even in a file without a current context. */
export const isCurrent = (name: string | undefined, current: string | undefined): boolean =>
  name !== undefined && name === current;

/** Returns the cluster and the user that kubectl would use. */
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
 * Decodes an embedded field, and returns a function that encodes another PEM for the same place. The content of
 * `!!binary` is base64 of the text that kubectl reads, which is base64 again; in some files it is encoded only once.
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
