import { AgentError } from '../base/errors.ts';
import { currentContext, isCurrent, readField } from './kubeconfig-contents.ts';
import { type Field, type KubeconfigDocument, documentsOf, textOf } from './kubeconfig-document.ts';

type Pair = { certificate: string; key: string };

/** New material for a kubeconfig, PEM; without a pair its user stays as it is. */
export type Renewed = { ca: string; pair: Pair | undefined };

/** What takes the place of entries that are found by what they hold now, not by their names. */
export type Known = {
  /** The new CA for an embedded certificate that is an old one. */
  ca(pem: string): string | undefined;
  /** The new pair for an embedded certificate, or key, that is an old one. */
  leaf(pem: string): Pair | undefined;
  /** The new pair whose certificate or key a file gets; as the kubeconfig names the file. */
  leafAt?(path: string): Pair | undefined;
};

type Edit = { start: number; end: number; text: string };

/**
 * Replaces the embedded CA, certificate and key of a kubeconfig, in every document of the file: those of the
 * current context by `identity`, if that is given, and every other one that holds what is replaced. Only the base64 is
 * touched; comments, order, other users and contexts stay as they are, byte for byte. Entries that name a file instead
 * of embedding one are left alone. What an alias leads to is replaced where it stands, for all who use it.
 *
 * @throws `bad-file` with line and column when it is no YAML, or when something that has to stay shares, by an
 *   alias, what is replaced
 */
export function renewKubeconfig(
  path: string,
  text: string,
  identity: Renewed | undefined,
  known: Known,
): string {
  return documentsOf(path, text)
    .flatMap((document) => editsOf(document, claimsOf(document, identity, known)))
    .toSorted((a, b) => b.start - a.start)
    .reduce(
      (result, { start, end, text: fresh }) => result.slice(0, start) + fresh + result.slice(end),
      text,
    );
}

/** What one use of a text is to become: new material, or undefined when it has to stay. */
type Claim = Field & {
  pem: string | undefined;
  /** It is known by what it holds, not only by the place where it is used. */
  isRecognized: boolean;
};

function claimsOf(document: KubeconfigDocument, identity: Renewed | undefined, known: Known): Claim[] {
  const current = currentContext(document);
  const claims: Claim[] = [];
  for (const { name, field } of document.entries('clusters', 'cluster')) {
    const ca = field('certificate-authority-data');
    if (!ca) continue;
    const found = known.ca(readField(ca).pem);
    const pem = isCurrent(name, current.cluster) ? (identity?.ca ?? found) : found;
    claims.push({ ...ca, isRecognized: found !== undefined, pem });
  }
  for (const { name, field } of document.entries('users', 'user')) {
    const certificate = field('client-certificate-data');
    const key = field('client-key-data');
    const [ofCertificate, ofKey] = [certificate, key].map((one) => one && known.leaf(readField(one).pem));
    // Anybody can have a certificate: a new key is for whoever has the old one.
    const found =
      certificate && key && ofCertificate?.key !== ofKey?.key ? undefined : (ofKey ?? ofCertificate);
    const wanted = isCurrent(name, current.user) ? (identity?.pair ?? found) : found;
    // Only as a pair: a new certificate beside an old key would be of no use to anybody.
    const renews = (one: Field | undefined, path: string): boolean => {
      const file = one ? undefined : field(path);
      return (
        one !== undefined || (file !== undefined && known.leafAt?.(textOf(file.scalar))?.key === wanted?.key)
      );
    };
    const pair = renews(certificate, 'client-certificate') && renews(key, 'client-key') ? wanted : undefined;
    const isRecognized = found !== undefined;
    if (certificate) claims.push({ ...certificate, isRecognized, pem: pair?.certificate });
    if (key) claims.push({ ...key, isRecognized, pem: pair?.key });
  }
  return claims;
}

/** One edit for each scalar that is replaced, however many use it. */
function editsOf(document: KubeconfigDocument, claims: readonly Claim[]): Edit[] {
  const uses = Map.groupBy(claims, ({ scalar }) => scalar);
  return [...uses].flatMap(([scalar, shared]) => {
    const first = shared.find(({ pem }) => pem !== undefined);
    if (first?.pem === undefined) return [];
    const other = shared.find(({ pem }) => pem !== first.pem);
    // Who uses it for something else may as well, as long as it is sure what it is.
    const isSure = shared.some(({ isRecognized }) => isRecognized);
    const at = other ? other.at : isSure ? undefined : document.strays(scalar)[0];
    if (at !== undefined)
      throw new AgentError(
        'bad-file',
        `${document.where(at)}: this shares, by an anchor, what is renewed, and has to stay as it is: write it out`,
        { reason: 'shared-anchor' },
      );
    return replace(scalar, first.pem);
  });
}

/** The scalar's own bytes in the source; base64 needs no quotes, but those that are there are kept. */
function replace(scalar: Field['scalar'], pem: string): Edit[] {
  const { write, pem: before } = readField({ scalar });
  const text = write(pem);
  if (!scalar.range || scalar.value === text || (typeof scalar.value !== 'string' && before === pem))
    return [];
  const [start, end] = scalar.range;
  // A block scalar (`|`, `>-`) reaches over the end of its last line.
  if (scalar.type?.startsWith('BLOCK')) return [{ start, end, text: `${text}\n` }];
  const mark = scalar.type === 'QUOTE_DOUBLE' ? '"' : scalar.type === 'QUOTE_SINGLE' ? "'" : '';
  return [{ start, end, text: mark + text + mark }];
}
