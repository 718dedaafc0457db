import { basename, dirname } from 'node:path';
import { isCertificate, isPrivateKey, pemBlocksIn } from '../base/pem.ts';
import type { RoleLayout } from '../certificates/layout.ts';
import type { KubeconfigUser } from './kubeconfig-contents.ts';

/**
 * A certificate is useless without its key, so copies of a pair are renewed together or not at all. Three places show
 * that both exist: one file, a user of a kubeconfig, or two files of a directory whose names match (`front.crt` and
 * `front.key`).
 */
export type Pairs = {
  /** Names of the certificates whose copies in this file, certificate or key, are renewed. */
  renewedIn(path: string): ReadonlySet<string>;
  left: readonly LeftCopy[];
};

/** A file with a copy that is not renewed, and the reason as a sentence. */
export type LeftCopy = { path: string; what: string };

export type Identify = {
  /** Returns the certificate's name if the PEM is a copy of it or of its key. */
  nameOf(pem: string): string | undefined;
  /** Whether the PEM is a CA of the node, or a CA's key. */
  isAuthority(pem: string): boolean;
};

const HALVES = ['certificate', 'key'] as const;
type Half = (typeof HALVES)[number];
const OTHER = { certificate: 'key', key: 'certificate' } as const satisfies Record<Half, Half>;

/** The content of one file: certificates of the layout by name, and whether it has others, possibly unreadable. */
type Place = Record<Half, { names: ReadonlySet<string>; hasOthers: boolean }>;

/** Files outside the layout, by path. */
export type Found = {
  /** Files that may contain copies. */
  pems: ReadonlyMap<string, string>;
  /** DER files, converted to PEM. They are not renewed. */
  ders: ReadonlyMap<string, string>;
  /** Users of every kubeconfig, including those of the layout. */
  users: readonly KubeconfigUser[];
};

/** Decides which copies are renewed. */
export function judgePairs(
  { pems, ders, users }: Found,
  { certificates, kubeconfigs }: RoleLayout,
  identify: Identify,
): Pairs {
  const places = new Map<string, Place>([...pems].map(([path, text]) => [path, placeOf(text, identify)]));
  for (const [path, text] of ders) places.set(path, withoutNames(placeOf(text, identify)));
  for (const { name, files } of certificates)
    for (const half of HALVES) if (files) places.set(files[half].path, ownPlace(name, files, half));

  const isAnywhere = (name: string, half: Half): boolean =>
    [...places.values()].some((place) => place[half].names.has(name));
  const usedWith = (path: string, half: Half): { where: string; place: Place | undefined }[] =>
    users.flatMap((user) => {
      const other = user[OTHER[half]];
      if (user[half]?.file !== path || !other) return [];
      const place = other.file === undefined ? placeOf(other.pem, identify) : places.get(other.file);
      return [{ where: other.file ?? user.path, place }];
    });
  const besides = (path: string, half: Half): { where: string; place: Place }[] =>
    [...places]
      .filter(([at, place]) => at !== path && isBeside(at, path) && isThere(place[OTHER[half]]))
      .map(([where, place]) => ({ where, place }));

  /** Returns why this half of a pair is not renewed; undefined if the other half is renewed too. */
  const whyLeft = (path: string, place: Place, name: string, half: Half): string | undefined => {
    const other = OTHER[half];
    const isIn = (one: Place | undefined): boolean => one?.[other].names.has(name) === true;
    if (isIn(place)) return undefined;
    if (place[other].hasOthers) return `its ${other} in the same file does not match or cannot be read`;
    const used = usedWith(path, half);
    const wrong = used.find((one) => !isIn(one.place));
    if (wrong)
      return `it is used with the ${other} in ${wrong.where}, which does not match or cannot be read`;
    const beside = used.length > 0 ? [] : besides(path, half);
    if (beside[0] && !beside.some((one) => isIn(one.place)))
      return `the ${other} in ${beside[0].where} does not match or cannot be read`;
    return isAnywhere(name, other) ? undefined : `its ${other} was not found`;
  };

  const renewed = new Map<string, Set<string>>();
  const left: LeftCopy[] = [];
  for (const [path, place] of places)
    for (const half of HALVES)
      for (const name of pems.has(path) ? place[half].names : []) {
        const why = whyLeft(path, place, name, half);
        if (why === undefined) renewed.set(path, (renewed.get(path) ?? new Set()).add(name));
        else left.push({ path, what: `${path} keeps its old ${half} ${name}: ${why}` });
      }
  for (const [path, text] of ders) {
    const place = placeOf(text, identify);
    for (const half of HALVES)
      for (const name of place[half].names)
        left.push({ path, what: `${path} keeps its old ${half} ${name}: only copies in PEM are renewed` });
    if (pemBlocksIn(text).some(({ pem }) => identify.isAuthority(pem)))
      left.push({ path, what: `${path} keeps its old CA: only copies in PEM are renewed` });
  }
  const own = new Set(kubeconfigs.map(({ file }) => file.path));
  for (const user of users.filter(({ path }) => !own.has(path)))
    for (const half of HALVES) {
      const [held, other] = [user[half], user[OTHER[half]]];
      const name = held?.pem === undefined ? undefined : identify.nameOf(held.pem);
      if (name === undefined || !other) continue;
      const place = other.file === undefined ? placeOf(other.pem, identify) : places.get(other.file);
      if (place?.[OTHER[half]].names.has(name) !== true)
        left.push({
          path: user.path,
          what: `${user.path} keeps its old ${half} ${name}: its ${OTHER[half]} does not match or cannot be read`,
        });
    }
  return { renewedIn: (path) => renewed.get(path) ?? new Set(), left };
}

function placeOf(text: string, { nameOf, isAuthority }: Identify): Place {
  const blocks = pemBlocksIn(text);
  const half = (is: typeof isCertificate): Place[Half] => {
    const pems = blocks.filter(is).map(({ pem }) => pem);
    const names = pems.map(nameOf);
    return {
      names: new Set(names.filter((name) => name !== undefined)),
      hasOthers: pems.some((pem, index) => names[index] === undefined && !isAuthority(pem)),
    };
  };
  return { certificate: half(isCertificate), key: half(isPrivateKey) };
}

/** A file of the layout gets its own content, whatever it contains now. */
const ownPlace = (name: string, files: Record<Half, { path: string }>, at: Half): Place => {
  const half = (one: Half): Place[Half] => ({
    names: new Set(files[one].path === files[at].path ? [name] : []),
    hasOthers: false,
  });
  return { certificate: half('certificate'), key: half('key') };
};

/** A file that is not renewed cannot provide the new half of a pair. */
const withoutNames = ({ certificate, key }: Place): Place => ({
  certificate: { names: new Set(), hasOthers: isThere(certificate) },
  key: { names: new Set(), hasOthers: isThere(key) },
});

const isThere = ({ names, hasOthers }: Place[Half]): boolean => names.size > 0 || hasOthers;

/**
 * Whether two files of a directory belong together by name: `tls.crt tls.key`, `cert.pem key.pem`, `ca.pem ca-key.pem`.
 */
export const isBeside = (one: string, other: string): boolean =>
  dirname(one) === dirname(other) && stemOf(one) === stemOf(other);

const stemOf = (path: string): string =>
  basename(path)
    .toLowerCase()
    .replace(/\.[a-z0-9]+$/, '')
    .replaceAll(/(?:^|[-_.])(?:certificate|cert|crt|fullchain|chain|private|privkey|key)(?=$|[-_.])/g, '');
