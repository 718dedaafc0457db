import { dirname } from 'node:path';
import { readIfThere } from '../../src/base/disk.ts';
import { type CredentialSet, credentialsIn, formatOf } from '../../src/files/credential-file.ts';
import { isTelling } from '../../src/files/credentials.ts';
import type { CredentialFormat } from '../../src/files/credential-grammars.ts';
import { readBeside } from '../../src/files/candidates.ts';
import { readFormer } from '../credentials/former.ts';
import { credentialsOf } from '../credentials/login-of.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { passingOver } from '../progress.ts';

/** The owner of a login. `former`: the node's own login before its last change. */
export type Whose = 'node' | 'former' | 'another' | 'unknown';

/** One place with a login to OpenStack. It contains no secret. */
export type LoginPlace = {
  kind: 'file' | 'secret' | 'configmap';
  /** The path, or `NAMESPACE/NAME`. */
  of: string;
  whose: Whose;
  /** The user, if the place names one, and the trust. */
  user: string | undefined;
  trust: string | undefined;
  /** The units or workloads that read it. */
  readers: readonly string[];
};

/** The known logins: the node's, and its previous one. */
export type KnownLogins = { own: CredentialSet; former: CredentialSet | undefined };

export const readKnownLogins = async (
  { params }: Pick<Node, 'params'>,
  hands: Pick<Hands, 'disk' | 'secrets'>,
): Promise<KnownLogins> => ({
  own: credentialsOf(params),
  former: (await readFormer(hands))?.former,
});

/** Finds every file of the node with a login: heat-params, files of the layout, and other files with a known login. */
export async function findLoginFiles(node: Node, known: KnownLogins, hands: Hands): Promise<LoginPlace[]> {
  const { disk, config } = hands;
  const rows = [
    { file: config.heat_params, format: 'shell' as const, units: ['coe-agent'] },
    ...node.layout.credentials,
  ];
  const seen = new Set<string>();
  const places: LoginPlace[] = [];
  for (const { file, format, units } of rows) {
    const path = await disk.resolve(file);
    if (seen.has(path)) continue;
    seen.add(path);
    const content = await readIfThere(disk, path);
    if (content) places.push(...placesIn(content, format, { kind: 'file', of: file, readers: units }, known));
  }
  const directories = rows.map(({ file }) => dirname(file));
  for (const [path, { content }] of await readBeside(disk, directories, seen, passingOver(hands))) {
    if (!holdsKnown(content, known)) continue;
    const format = formatOf(content.toString('latin1'));
    const place = { kind: 'file', of: path, readers: [] } as const;
    places.push(
      ...(format
        ? placesIn(content, format, place, known)
        : [{ ...place, whose: 'unknown', user: undefined, trust: undefined } as const]),
    );
  }
  return places;
}

const holdsKnown = (content: Buffer, { own, former }: KnownLogins): boolean =>
  [own.trust, own.password, former?.trust, former?.password].some(
    (value) => value !== undefined && isTelling(value) && content.includes(value),
  );

function placesIn(
  content: Buffer,
  format: CredentialFormat,
  place: Pick<LoginPlace, 'kind' | 'of' | 'readers'>,
  known: KnownLogins,
): LoginPlace[] {
  const logins = credentialsIn(content, format).filter(isLogin);
  const places = logins.map((login) => placeOf(place, login, known));
  if (places.length > 0) return places;
  // A file of the layout without a login is not listed.
  return holdsKnown(content, known)
    ? [{ ...place, whose: 'unknown', user: undefined, trust: undefined }]
    : [];
}

/** Whether a group names a user or a trust. A region alone is not a login. */
export const isLogin = ({ user, userName, trust, password }: Partial<CredentialSet>): boolean =>
  [user, userName, trust, password].some((value) => value !== undefined && value !== '');

/** Describes a login and its place. */
export const placeOf = (
  place: Pick<LoginPlace, 'kind' | 'of' | 'readers'>,
  login: Partial<CredentialSet>,
  known: KnownLogins,
): LoginPlace => ({
  ...place,
  whose: whoseIs(login, known),
  user: login.user ?? login.userName,
  trust: login.trust,
});

/** Determines the owner from all parts of a login: a former password makes it a former login. */
function whoseIs(login: Partial<CredentialSet>, { own, former }: KnownLogins): Whose {
  const isOf = (set: CredentialSet): boolean =>
    (['user', 'trust', 'password'] as const).every(
      (key) => login[key] === undefined || login[key] === set[key],
    );
  if (isOf(own)) return 'node';
  if (former && isOf(former)) return 'former';
  return login.user === undefined && login.trust === undefined ? 'unknown' : 'another';
}
