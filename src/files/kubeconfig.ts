import { AgentError } from '../base/errors.ts';
import { currentContext, isCurrent, readField } from './kubeconfig-contents.ts';
import { type Field, type KubeconfigDocument, documentsOf, textOf } from './kubeconfig-document.ts';

type Pair = { certificate: string; key: string };

/** New material for a kubeconfig, PEM. Without a pair, its user stays unchanged. */
export type Renewed = { ca: string; pair: Pair | undefined };

/** The replacements of entries that are found by their present content instead of their names. */
export type Known = {
  /** Returns the new CA if the embedded certificate is a former one. */
  ca(pem: string): string | undefined;
  /** Returns the new pair if the embedded certificate or key is a former one. */
  leaf(pem: string): Pair | undefined;
  /** Returns the new pair if the named file gets a new certificate or key. The path is as written in the kubeconfig. */
  leafAt?(path: string): Pair | undefined;
};

type Edit = { start: number; end: number; text: string };

/**
 * Replaces embedded CAs, certificates and keys in every document of a kubeconfig: those of the current context by
 * `identity`, if given, and every other entry with replaced content. Changes only the base64; comments, order, other
 * users and contexts stay byte for byte. Entries that name a file are left unchanged. The target of an alias is
 * replaced where it is defined, for all its uses.
 *
 * @throws `bad-file` with line and column if it is not YAML, or if an alias shares replaced content with something that
 * must stay
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

/** A use of a text and its replacement; undefined if it must stay. */
type Claim = Field & {
  pem: string | undefined;
  /** Recognized by its content, not only by its position. */
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
    // A certificate is public, so only the owner of the former key gets the new key.
    const found =
      certificate && key && ofCertificate?.key !== ofKey?.key ? undefined : (ofKey ?? ofCertificate);
    const wanted = isCurrent(name, current.user) ? (identity?.pair ?? found) : found;
    // Replaced only as a pair: a new certificate does not work with a former key.
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

/** Returns one edit per replaced scalar, however many uses it has. */
function editsOf(document: KubeconfigDocument, claims: readonly Claim[]): Edit[] {
  const uses = Map.groupBy(claims, ({ scalar }) => scalar);
  return [...uses].flatMap(([scalar, shared]) => {
    const first = shared.find(({ pem }) => pem !== undefined);
    if (first?.pem === undefined) return [];
    const other = shared.find(({ pem }) => pem !== first.pem);
    // Other uses of a recognized scalar may change with it.
    const isSure = shared.some(({ isRecognized }) => isRecognized);
    const at = other ? other.at : isSure ? undefined : document.strays(scalar)[0];
    if (at !== undefined)
      throw new AgentError(
        'bad-file',
        `${document.where(at)}: this alias shares renewed content but must stay unchanged; replace the alias by its value`,
        { reason: 'shared-anchor' },
      );
    return replace(scalar, first.pem);
  });
}

/** Replaces the scalar's bytes. Base64 needs no quotes, but existing quotes are kept. */
function replace(scalar: Field['scalar'], pem: string): Edit[] {
  const { write, pem: before } = readField({ scalar });
  const text = write(pem);
  if (!scalar.range || scalar.value === text || (typeof scalar.value !== 'string' && before === pem))
    return [];
  const [start, end] = scalar.range;
  // A block scalar (`|`, `>-`) includes the end of its last line.
  if (scalar.type?.startsWith('BLOCK')) return [{ start, end, text: `${text}\n` }];
  const mark = scalar.type === 'QUOTE_DOUBLE' ? '"' : scalar.type === 'QUOTE_SINGLE' ? "'" : '';
  return [{ start, end, text: mark + text + mark }];
}
