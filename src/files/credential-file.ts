import type { Remark } from '../base/remark.ts';
import { withoutSlash } from '../base/url.ts';
import { type CredentialFormat, type CredentialKey, GRAMMARS } from './credential-grammars.ts';
import { type Entry, type Group, groupsOf } from './credential-document.ts';

/** A whole set; an empty text is none. */
export type CredentialSet = Readonly<Record<CredentialKey, string>>;

/** What is to be in place of what. */
export type Change = {
  old: CredentialSet;
  /** `old` with what is given. */
  fresh: CredentialSet;
  given: readonly CredentialKey[];
};

export type Changed = {
  content: Buffer;
  /** What in it is left as it is, and why; the sentences begin with the file. */
  left: Left[];
};

/** `of` is the value that it is about. */
export type Left = Remark<'nameless' | 'not-understood' | 'another'>;

/**
 * A file with other credentials, and nothing else in it changed. They are recognized by what they are: a group whose
 * user and trust are the node's (those of before, or the new ones already) gets the new ones; anybody else's stays.
 *
 * @param isOwn it is the node's whatever it says, and what is missing in it is added: heat-params
 */
export function changeCredentials(
  content: Buffer,
  format: CredentialFormat,
  change: Change,
  isOwn: boolean,
): Changed {
  const text = content.toString('latin1');
  const groups = groupsOf(text, format);
  const results = (isOwn && groups.length === 0 ? [new Map()] : groups).map((group: Group) =>
    isOwn ? editsOfOwn(group, change, text) : editsOf(group, change, format),
  );
  const changed = results
    .flatMap(({ edits }) => edits)
    .toSorted((a, b) => b.at - a.at)
    .reduce((all, { at, length, put }) => all.slice(0, at) + toBytes(put) + all.slice(at + length), text);
  return { content: Buffer.from(changed, 'latin1'), left: results.flatMap(({ left }) => left) };
}

/** The credentials of a file, group by group, as far as they are understood. */
export const credentialsIn = (content: Buffer, format: CredentialFormat): Partial<CredentialSet>[] =>
  groupsOf(content.toString('latin1'), format).map((group) =>
    Object.fromEntries(
      [...group].flatMap(([key, { value }]) => (value === undefined ? [] : [[key, toText(value)]])),
    ),
  );

/** By its content: which kind of file it is; undefined when it is none that could be changed. */
export function formatOf(text: string): CredentialFormat | undefined {
  if (/^[ \t]*\[global\]/im.test(text)) return 'ini';
  if (/^[ \t]*(?:export[ \t]+)?TRUST_ID=/m.test(text)) return 'shell';
  return /^[ \t]*(?:- +)*trust[-_]?id:/im.test(text) ? 'yaml' : undefined;
}

type Edit = { at: number; length: number; put: string };
type Result = { edits: Edit[]; left: Left[] };

const leave = (...left: Left[]): Result => ({ edits: [], left });

const notUnderstood = (key: CredentialKey): Left => ({
  code: 'not-understood',
  of: key,
  text: `holds a ${NAMES[key]} that is not understood: it is left alone`,
});

/** Of heat-params everything that is given is replaced, or added at the end: there it counts. */
function editsOfOwn(group: Group, { fresh, given }: Change, text: string): Result {
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const { write } = GRAMMARS.shell;
  const missing = given.filter((key) => group.get(key)?.value === undefined && !isName(key));
  const added = missing.map((key) => `${PARAMETERS[key]}=${write(fresh[key], '""') ?? ''}${end}`);
  const before = text === '' || text.endsWith('\n') ? '' : end;
  return {
    edits: [
      ...given.flatMap((key) =>
        isName(key) && fresh[key] === '' ? [] : (replaced(group.get(key), fresh[key], 'shell') ?? []),
      ),
      ...(added.length > 0 ? [{ at: text.length, length: 0, put: before + added.join('') }] : []),
    ],
    left: [],
  };
}

function editsOf(group: Group, change: Change, format: CredentialFormat): Result {
  const why = whyNotOurs(group, change);
  if (why !== undefined) return leave(why);
  const { old, fresh, given } = change;
  const edits: Edit[] = [];
  const left: Left[] = [];
  for (const key of given) {
    const entry = group.get(key);
    const value = valueOf(entry);
    if (!entry) {
      // Magnum leaves an empty region out of a cloud-config, and whoever reads that does without.
      if (key === 'region' && format === 'ini') edits.push(addition(group, fresh.region));
    } else if (isName(key) && fresh[key] === '') return leave(notUnderstood(key));
    else if (isPlace(key) && value !== undefined && !isSame(value, old[key]) && !isSame(value, fresh[key]))
      left.push({ code: 'another', of: key, text: `has another ${NAMES[key]} (${value}), which stays` });
    else {
      const edit = replaced(entry, fresh[key], format);
      // Half a login is none.
      if (!edit) return leave(notUnderstood(key));
      edits.push(edit);
    }
  }
  return { edits, left };
}

/** Nothing changes where it is the same already, in whatever spelling. */
function replaced(entry: Entry | undefined, value: string, format: CredentialFormat): Edit | undefined {
  if (entry?.value === undefined) return undefined;
  if (valueOf(entry) === value) return { at: entry.at, length: 0, put: '' };
  const put = GRAMMARS[format].write(value, toText(entry.raw));
  return put === undefined ? undefined : { at: entry.at, length: entry.raw.length, put };
}

/** Where the cloud is, and not who logs in. */
const isPlace = (key: CredentialKey): boolean => key === 'region' || key === 'authUrl';

/** What Keystone tells of the user. Few files have it, and none that lacks it is given it. */
const isName = (key: CredentialKey): boolean => key === 'userName' || key === 'domain';

/** An address may have its version at its end. */
const isSame = (a: string, b: string): boolean => addressOf(a) === addressOf(b);
const addressOf = (url: string): string => withoutSlash(url).replace(/\/v3$/, '');

function whyNotOurs(group: Group, { old, fresh }: Change): Left | undefined {
  const known = (['user', 'trust'] as const).filter((key) => group.has(key));
  if (known.length === 0)
    return { code: 'nameless', text: 'names no user and no trust by its id: it is left alone' };
  for (const key of known) {
    const value = valueOf(group.get(key));
    if (value === undefined) return notUnderstood(key);
    if (value !== old[key] && value !== fresh[key])
      return { code: 'another', of: key, text: `holds another ${NAMES[key]} (${value}): it is left alone` };
  }
  const name = valueOf(group.get('userName'));
  if (name !== undefined && old.userName !== '' && name !== old.userName && name !== fresh.userName)
    return { code: 'another', of: 'userName', text: `holds another user name (${name}): it is left alone` };
  return undefined;
}

/** A line more, after the last one of the group and like it. */
function addition(group: Group, region: string): Edit {
  const [last] = [...group.values()].toSorted((a, b) => b.at - a.at);
  const { at, text } = last?.line ?? { at: 0, text: '' };
  const [indent = ''] = /^[ \t]*/.exec(text) ?? [];
  const name = text.split('=', 1).join().trimEnd();
  const [separator = '='] = /^[ \t]*=[ \t]*/.exec(text.slice(name.length)) ?? [];
  const [end] = /\r?\n$/.exec(text) ?? ['\n'];
  const line = `${indent}region${separator}${GRAMMARS.ini.write(region, '') ?? ''}`;
  return text.endsWith('\n')
    ? { at: at + text.length, length: 0, put: line + end }
    : { at: at + text.length, length: 0, put: end + line };
}

const NAMES: Readonly<Record<CredentialKey, string>> = {
  user: 'user',
  userName: 'user name',
  domain: 'domain',
  password: 'password',
  trust: 'trust',
  region: 'region',
  authUrl: 'auth URL',
};

/** What heat-params call it. */
const PARAMETERS: Readonly<Record<CredentialKey, string>> = {
  user: 'TRUSTEE_USER_ID',
  userName: 'TRUSTEE_USERNAME',
  domain: 'TRUSTEE_DOMAIN_ID',
  password: 'TRUSTEE_PASSWORD',
  trust: 'TRUST_ID',
  region: 'REGION_NAME',
  authUrl: 'AUTH_URL',
};

// A file is edited as bytes: what is no UTF-8 elsewhere in it has to stay as it is, too.
const toText = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');
const toBytes = (text: string): string => Buffer.from(text).toString('latin1');
const valueOf = (entry: Entry | undefined): string | undefined =>
  entry?.value === undefined ? undefined : toText(entry.value);
