import { dirname, resolve } from 'node:path';
import { AgentError, codeOf } from '../base/errors.ts';
import type { RoleLayout } from '../certificates/layout.ts';
import type { Recognized } from '../certificates/recognize.ts';
import type { PassOver, PossibleCopy } from './candidates.ts';
import { type Known, renewKubeconfig } from './kubeconfig.ts';
import { filesNamedIn, type KubeconfigUser, usersOf } from './kubeconfig-contents.ts';
import type { ManagedFile } from './managed-file.ts';
import { isBeside, judgePairs, type LeftCopy, type Pairs } from './pairs.ts';
import { blocksIn, renewPem } from './pem-copies.ts';
import type { Renewal } from './renewal.ts';

/** Files outside the layout that contain what it replaces, by path. */
export type Copies = {
  kubeconfigs: ReadonlyMap<string, string>;
  pems: ReadonlyMap<string, string>;
  /** DER files, converted to PEM. They are not changed. */
  ders: ReadonlyMap<string, string>;
  /** Identities of these files when they were read. */
  ids: ReadonlyMap<string, string>;
  /** Users of every kubeconfig, including those of the layout. */
  users: readonly KubeconfigUser[];
};

/**
 * Classifies other files by content, and adds files named by kubeconfigs. Ignores files named by a kubeconfig that
 * users other than root can change: those users could choose which of root's files are read and replaced.
 *
 * @param own every path of the layout
 * @param read returns undefined if the file does not exist or cannot be a copy
 */
export async function findCopies(
  candidates: readonly string[],
  own: readonly string[],
  read: (path: string) => Promise<PossibleCopy | undefined>,
  passOver: PassOver,
): Promise<Copies> {
  const found = new Map<string, PossibleCopy | undefined>();
  const take = async (path: string): Promise<void> => {
    if (!own.includes(path) && !found.has(path)) found.set(path, await read(path));
  };
  const users: KubeconfigUser[] = [];
  for (const path of candidates) await take(path);
  for (const path of [...own, ...found.keys()]) {
    const file = own.includes(path) ? await read(path) : found.get(path);
    if (!file || !isKubeconfig(file.text)) continue;
    users.push(
      ...unlessBroken(() => usersOf(path, file.text)).filter((one) => file.isTrusted || isEmbedded(one)),
    );
    for (const name of unlessBroken(() => filesNamedIn(path, file.text))) {
      const named = resolve(dirname(path), name);
      if (file.isTrusted) await take(named);
      else if (!own.includes(named) && !found.has(named))
        passOver(named, new AgentError('disk', `it is named in ${path}, which others than root can change`));
    }
  }
  const there = [...found].flatMap(([path, file]) => (file ? [[path, file] as const] : []));
  const texts = (is: (file: PossibleCopy) => boolean): ReadonlyMap<string, string> =>
    new Map(there.flatMap(([path, file]) => (is(file) ? [[path, file.text] as const] : [])));
  return {
    kubeconfigs: texts(({ text }) => isKubeconfig(text)),
    pems: texts(({ text, isDer }) => !isDer && !isKubeconfig(text) && text.includes('-----BEGIN ')),
    ders: texts(({ isDer }) => isDer),
    ids: new Map(there.map(([path, { id }]) => [path, id])),
    users,
  };
}

/** It names no file, so it cannot refer to other users' files. */
const isEmbedded = ({ certificate, key }: KubeconfigUser): boolean => !certificate?.file && !key?.file;

/** Detects kubeconfigs by content: manifests and configuration files are YAML as well. */
const isKubeconfig = (text: string): boolean =>
  /\bclusters\b/.test(text) && /\b(?:certificate-authority|client-certificate|client-key)\b/.test(text);

/** Skips a file that cannot be parsed. It is rejected when it is renewed, if that matters. */
function unlessBroken<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) === 'bad-file') return [];
    throw error;
  }
}

/**
 * Returns the new content of every copy.
 *
 * @throws `bad-file` with line and column for a kubeconfig that contains something to replace and is not YAML
 */
export function renewCopies(
  { kubeconfigs, pems, ids }: Copies,
  renewal: Renewal,
  pairs: Pairs,
  known: (path: string) => Known,
): ManagedFile[] {
  const renewed = [
    ...[...pems].map(([path, text]) => {
      // kube-controller-manager signs with such a pair and requires exactly one certificate.
      const ca = signs(path, pems, renewal) ? renewal.signer : renewal.ca;
      return [path, text, renewPem(text, { ...renewal, ca }, pairs.renewedIn(path))] as const;
    }),
    ...[...kubeconfigs].map(([path, text]) => [path, text, renewFound(path, text, renewal, known)] as const),
  ];
  return renewed.flatMap(([path, before, content]) =>
    content === before
      ? []
      : [
          {
            path,
            content,
            madeFrom: ids.get(path),
            owner: 'root',
            group: 'root',
            mode: 0o600,
            directoryMode: 0o755,
          },
        ],
  );
}

/** Whether a CA's key is in the file itself, or in a file beside it with the same name. */
const signs = (path: string, pems: Copies['pems'], { isCaKey }: Renewal): boolean =>
  [...pems].some(([at, text]) => (at === path || isBeside(at, path)) && blocksIn(text).some(isCaKey));

/** Pairs the copies of certificates and keys that a renewal replaces. */
export const pairsOf = (copies: Copies, role: RoleLayout, { nameOf, ca, isCaKey }: Renewal): Pairs =>
  judgePairs(copies, role, { nameOf, isAuthority: (pem) => ca(pem) !== undefined || isCaKey(pem) });

const NOTHING: ReadonlySet<string> = new Set();

/** Looks up the new material for kubeconfigs and for the files they name. */
export function knownTo(renewal: Renewal, role: RoleLayout, pairs: Pairs): (path: string) => Known {
  const leaf = (name: string | undefined): ReturnType<Known['leaf']> =>
    name === undefined || renewal.leavesStay ? undefined : renewal.leaf(name);
  return (path) => ({
    ca: (pem) => {
      const fresh = renewPem(pem, renewal, NOTHING);
      return fresh === pem ? undefined : fresh;
    },
    leaf: (pem) => leaf(renewal.nameOf(pem)),
    leafAt: (named) => {
      const at = resolve(dirname(path), named);
      const row = role.certificates.find(
        ({ files }) => files?.certificate.path === at || files?.key.path === at,
      );
      return leaf(row?.name ?? [...pairs.renewedIn(at)][0]);
    },
  });
}

function renewFound(path: string, text: string, renewal: Renewal, known: (path: string) => Known): string {
  try {
    return renewKubeconfig(path, text, undefined, known(path));
  } catch (error) {
    // A broken foreign file must not block the rotation, unless it would keep certificates that are no longer accepted.
    if (codeOf(error) === 'bad-file' && !holdsSomething(text, renewal)) return text;
    throw error;
  }
}

const holdsSomething = (text: string, { ca, nameOf }: Renewal): boolean =>
  embeddedIn(text).some((pem) => ca(pem) !== undefined || nameOf(pem) !== undefined);

const embeddedIn = (text: string): string[] =>
  (text.match(/[A-Za-z0-9+/]{64,}={0,2}/g) ?? []).map((base64) =>
    Buffer.from(base64, 'base64').toString('utf8'),
  );

/** Predicts which files outside the layout new certificates would change, and which copies they would not. */
export function foreseeCopies(
  copies: Copies,
  role: RoleLayout,
  recognize: (pem: string) => Recognized | undefined,
): { paths: string[]; left: readonly LeftCopy[] } {
  const { kubeconfigs, pems } = copies;
  const { renewedIn, left } = judgePairs(copies, role, {
    nameOf: (pem) => recognize(pem)?.name,
    isAuthority: (pem) => recognize(pem)?.ca !== undefined,
  });
  const isCa = (pem: string): boolean => recognize(pem)?.ca !== undefined;
  const paths = [
    ...[...pems].flatMap(([path, text]) =>
      renewedIn(path).size > 0 || blocksIn(text).some(isCa) ? [path] : [],
    ),
    ...[...kubeconfigs].flatMap(([path, text]) =>
      embeddedIn(text).some((pem) => recognize(pem) !== undefined) ? [path] : [],
    ),
  ];
  return { paths: paths.toSorted(), left };
}
