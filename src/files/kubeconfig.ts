import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { AgentError } from '../base/errors.ts';

/** New material for a kubeconfig, PEM. */
export type Identity = { ca: string; certificate: string; key: string };

/** What the entries to be replaced hold now; they are found by this, not by their names. */
export type Known = {
  /** Whether an embedded certificate is one that the new CA takes the place of. */
  isOldCa(pem: string): boolean;
  /** Whether an embedded certificate is one that the new leaf takes the place of. */
  isOldLeaf(pem: string): boolean;
};

type Edit = { start: number; end: number; text: string };

/**
 * Replaces the embedded CA, certificate and key of a kubeconfig, in every document of the file: those of the
 * current context, and every other one that holds what is replaced. Only the base64 is touched; comments,
 * order, other users and contexts stay as they are, byte for byte. Entries that name a file instead of
 * embedding one are left alone.
 *
 * @throws `bad-file` with line and column when it is no YAML
 */
export function renewKubeconfig(path: string, text: string, identity: Identity, known: Known): string {
  const edits = documentsOf(path, text).flatMap((document) => editsOf(document, identity, known));
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce(
      (result, { start, end, text: fresh }) => result.slice(0, start) + fresh + result.slice(end),
      text,
    );
}

function documentsOf(path: string, text: string): Document[] {
  if (text.includes('\uFFFD')) throw new AgentError('bad-file', `${path}: it is not UTF-8`);
  const lines = new LineCounter();
  return parseAllDocuments(text, { lineCounter: lines }).map((document) => {
    const [error] = document.errors;
    if (!error) return document;
    const at = lines.linePos(error.pos[0]);
    const why = error.message.split('\n')[0];
    throw new AgentError('bad-file', `${path}: line ${at.line}, column ${at.col}: ${why}`);
  });
}

function editsOf(document: Document, identity: Identity, known: Known): Edit[] {
  const root = document.contents;
  if (!isMap(root)) return [];
  const current = currentContext(root);
  const edits: Edit[] = [];

  for (const { name, body } of entries(root, 'clusters', 'cluster')) {
    const ca = scalar(body, 'certificate-authority-data');
    if (ca && (isCurrent(name, current.cluster) || known.isOldCa(decode(ca))))
      edits.push(...replace(ca, identity.ca));
  }
  for (const { name, body } of entries(root, 'users', 'user')) {
    const certificate = scalar(body, 'client-certificate-data');
    const key = scalar(body, 'client-key-data');
    // Only as a pair: a new certificate beside an old key would be of no use to anybody.
    if (!certificate || !key) continue;
    if (isCurrent(name, current.user) || known.isOldLeaf(decode(certificate)))
      edits.push(...replace(certificate, identity.certificate), ...replace(key, identity.key));
  }
  return edits;
}

/** What the current context of a kubeconfig embeds (PEM); undefined for what it names as a file, or not at all. */
export function embeddedIn(
  path: string,
  text: string,
): { ca: string | undefined; certificate: string | undefined } {
  for (const document of documentsOf(path, text)) {
    const root = document.contents;
    if (!isMap(root)) continue;
    const current = currentContext(root);
    const embedded = (
      list: string,
      kind: string,
      name: string | undefined,
      key: string,
    ): string | undefined => {
      const body = entries(root, list, kind).find((entry) => entry.name === name)?.body;
      const node = body && scalar(body, key);
      return node && decode(node);
    };
    return {
      ca: embedded('clusters', 'cluster', current.cluster, 'certificate-authority-data'),
      certificate: embedded('users', 'user', current.user, 'client-certificate-data'),
    };
  }
  return { ca: undefined, certificate: undefined };
}

/** An entry without a name is nobody's, least of all that of a file without a current context. */
const isCurrent = (name: string | undefined, current: string | undefined): boolean =>
  name !== undefined && name === current;

/** The cluster and the user that kubectl would take. */
function currentContext(root: YAMLMap): { cluster: string | undefined; user: string | undefined } {
  const wanted = string(root, 'current-context');
  const context = entries(root, 'contexts', 'context').find(({ name }) => isCurrent(name, wanted))?.body;
  return { cluster: context && string(context, 'cluster'), user: context && string(context, 'user') };
}

function entries(root: YAMLMap, list: string, kind: string): { name: string | undefined; body: YAMLMap }[] {
  const items = root.get(list, true);
  if (!isSeq(items)) return [];
  return items.items.flatMap((item) => {
    const body = isMap(item) ? item.get(kind, true) : undefined;
    return isMap(item) && isMap(body) ? [{ name: string(item, 'name'), body }] : [];
  });
}

/** A text with something in it; an empty one beside a path (`certificate-authority`) stays empty. */
function scalar(map: YAMLMap, key: string): Scalar<string> | undefined {
  const node: unknown = map.get(key, true);
  return isScalar<string>(node) && typeof node.value === 'string' && node.value !== '' ? node : undefined;
}

const string = (map: YAMLMap, key: string): string | undefined => scalar(map, key)?.value;

const encode = (pem: string): string => Buffer.from(pem).toString('base64');
const decode = (node: Scalar<string>): string => Buffer.from(node.value, 'base64').toString('utf8');

/** The scalar's own bytes in the source; base64 needs no quotes, but those that are there are kept. */
function replace(node: Scalar<string>, pem: string): Edit[] {
  const text = encode(pem);
  if (!node.range || node.value === text) return [];
  const [start, end] = node.range;
  // A block scalar (`|`, `>-`) reaches over the end of its last line.
  if (node.type?.startsWith('BLOCK')) return [{ start, end, text: `${text}\n` }];
  const mark = node.type === 'QUOTE_DOUBLE' ? '"' : node.type === 'QUOTE_SINGLE' ? "'" : '';
  return [{ start, end, text: mark + text + mark }];
}

/** JSON strings are YAML strings, whatever is in them. */
const quote = (value: string): string => JSON.stringify(value);

/** A kubeconfig for a node that has none. */
export function newKubeconfig(
  identity: Identity,
  names: { cluster: string; user: string; server: string },
): string {
  const { cluster, user, server } = names;
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
    client-certificate-data: ${encode(identity.certificate)}
    client-key-data: ${encode(identity.key)}
contexts:
- name: ${quote(`${user}@${cluster}`)}
  context:
    cluster: ${quote(cluster)}
    user: ${quote(user)}
current-context: ${quote(`${user}@${cluster}`)}
`;
}
