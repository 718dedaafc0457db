import type { Remark } from '../base/remark.ts';
import { withoutSlash } from '../base/url.ts';
import { type CredentialFormat, type CredentialKey, GRAMMARS } from './credential-grammars.ts';
import { type Entry, type Group, groupsOf } from './credential-document.ts';

/** A complete set; an empty text means that the value is not set. */
export type CredentialSet = Readonly<Record<CredentialKey, string>>;

/** The replacement of one set of credentials by another. */
export type Change = {
  old: CredentialSet;
  /** `old` with the given values replaced. */
  fresh: CredentialSet;
  given: readonly CredentialKey[];
};

export type Changed = {
  content: Buffer;
  /** Values left unchanged, with the reason. The sentences continue the file's path. */
  left: Left[];
};

/** `of` is the name or value concerned. */
export type Left = Remark<'nameless' | 'not-understood' | 'another'>;

/**
 * Replaces credentials in a file and changes nothing else. A group is recognized by its user and trust: if they are the
 * node's (the former or already the new ones), it is updated; any other group is left unchanged.
 *
 * @param isOwn the file is the node's own (heat-params): every group is updated, and missing values are added
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

/** Returns the credentials of a file, group by group, as far as they can be parsed. */
export const credentialsIn = (content: Buffer, format: CredentialFormat): Partial<CredentialSet>[] =>
  groupsOf(content.toString('latin1'), format).map((group) =>
    Object.fromEntries(
      [...group].flatMap(([key, { value }]) => (value === undefined ? [] : [[key, toText(value)]])),
    ),
  );

/** Detects the format of a file by its content; undefined if it is not a supported one. */
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
  text: `has a ${NAMES[key]} that cannot be parsed: left unchanged`,
});

/** In heat-params, every given value is replaced, or appended at the end, where it takes effect. */
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
  const { fresh, given } = change;
  const edits: Edit[] = [];
  const left: Left[] = [];
  for (const key of given) {
    const entry = group.get(key);
    const value = valueOf(entry);
    if (!entry) {
      // Magnum omits an empty region from cloud-config; its readers accept that.
      if (key === 'region' && format === 'ini') edits.push(addition(group, fresh.region));
    } else if (isName(key) && fresh[key] === '') return leave(notUnderstood(key));
    else if (value !== undefined && isOtherPlace(key, value, change))
      left.push({ code: 'another', of: key, text: `has another ${NAMES[key]} (${value}): left unchanged` });
    else {
      const edit = replaced(entry, fresh[key], format);
      // A partly replaced login is invalid.
      if (!edit) return leave(notUnderstood(key));
      edits.push(edit);
    }
  }
  return { edits, left };
}

/** Makes no change if the value is already equal, whatever its quoting. */
function replaced(entry: Entry | undefined, value: string, format: CredentialFormat): Edit | undefined {
  if (entry?.value === undefined) return undefined;
  if (valueOf(entry) === value) return { at: entry.at, length: 0, put: '' };
  const put = GRAMMARS[format].write(value, toText(entry.raw));
  return put === undefined ? undefined : { at: entry.at, length: entry.raw.length, put };
}

/** These locate the cloud and do not identify the user. */
const isPlace = (key: CredentialKey): boolean => key === 'region' || key === 'authUrl';

/** Whether the cloud of a value is not one that the change knows. */
export const isOtherPlace = (key: CredentialKey, value: string, { old, fresh }: Change): boolean =>
  isPlace(key) && !isSame(value, old[key]) && !isSame(value, fresh[key]);

/** Names that Keystone reports for the user. Few files contain them, and they are not added to the others. */
const isName = (key: CredentialKey): boolean => key === 'userName' || key === 'domain';

/** Compares two auth URLs; one may end with its version. */
const isSame = (a: string, b: string): boolean => addressOf(a) === addressOf(b);
const addressOf = (url: string): string => withoutSlash(url).replace(/\/v3$/, '');

/** Why a login is not the one that changes; undefined: it is. */
export function whyNotOurs(group: Group, { old, fresh }: Change): Left | undefined {
  const known = (['user', 'trust'] as const).filter((key) => group.has(key));
  if (known.length === 0)
    return { code: 'nameless', text: 'has neither a user id nor a trust id: left unchanged' };
  for (const key of known) {
    const value = valueOf(group.get(key));
    if (value === undefined) return notUnderstood(key);
    if (value !== old[key] && value !== fresh[key])
      return { code: 'another', of: key, text: `has another ${NAMES[key]} (${value}): left unchanged` };
  }
  const name = valueOf(group.get('userName'));
  if (name !== undefined && old.userName !== '' && name !== old.userName && name !== fresh.userName)
    return { code: 'another', of: 'userName', text: `has another user name (${name}): left unchanged` };
  return undefined;
}

/** Adds a line after the last one of the group, in the same style. */
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

/** Their names in heat-params. */
const PARAMETERS: Readonly<Record<CredentialKey, string>> = {
  user: 'TRUSTEE_USER_ID',
  userName: 'TRUSTEE_USERNAME',
  domain: 'TRUSTEE_DOMAIN_ID',
  password: 'TRUSTEE_PASSWORD',
  trust: 'TRUST_ID',
  region: 'REGION_NAME',
  authUrl: 'AUTH_URL',
};

// The file is edited as bytes: invalid UTF-8 elsewhere in it must be preserved.
const toText = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');
const toBytes = (text: string): string => Buffer.from(text).toString('latin1');
const valueOf = (entry: Entry | undefined): string | undefined =>
  entry?.value === undefined ? undefined : toText(entry.value);
