import { type Change, isOtherPlace, type Left, whyNotOurs } from './credential-file.ts';
import { type CredentialKey, GRAMMARS } from './credential-grammars.ts';
import type { Entry } from './credential-document.ts';

const KEYS: Readonly<Record<string, CredentialKey>> = { ...GRAMMARS.yaml.keys, ...GRAMMARS.shell.keys };

/** Which credential a value is, by the name beside it: `os-trustID`, `OS_PASSWORD`, `user-id`. */
export function credentialNamed(name: string): CredentialKey | undefined {
  const small = name.toLowerCase().replaceAll(/[-_.]/g, '');
  const bare = small.startsWith('os') ? small.slice(2) : small;
  return Object.hasOwn(KEYS, bare) ? KEYS[bare] : undefined;
}

/**
 * A login whose values stand alone, as in the Secret os-trustee: as `changeCredentials` changes those of a file.
 *
 * @returns the values that change
 */
export function changeValues(
  values: ReadonlyMap<CredentialKey, string>,
  change: Change,
): { changed: Map<CredentialKey, string>; left: Left[] } {
  const why = whyNotOurs(new Map([...values].map(([key, value]) => [key, asEntry(value)])), change);
  if (why !== undefined) return { changed: new Map(), left: [why] };
  const { fresh, given } = change;
  const changed = new Map<CredentialKey, string>();
  const left: Left[] = [];
  for (const key of given) {
    const value = values.get(key);
    if (value === undefined || value === fresh[key]) continue;
    if (fresh[key] === '')
      left.push({ code: 'not-understood', of: key, text: `no new value of ${key} is known` });
    else if (isOtherPlace(key, value, change))
      left.push({ code: 'another', of: key, text: `has another ${key}, which stays` });
    else changed.set(key, fresh[key]);
  }
  return { changed, left };
}

const asEntry = (value: string): Entry => ({
  // As a file holds it: a byte a character.
  value: Buffer.from(value).toString('latin1'),
  raw: '',
  at: 0,
  line: { at: 0, text: '' },
});
