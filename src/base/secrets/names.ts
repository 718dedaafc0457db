import { isObject } from '../json.ts';
import { pythonStr } from '../python.ts';

const SECRET =
  /passw(or)?d|passphrase|passcode|pwd|secret|token|credential|apikey|cookie|bearer|authori[sz]ation|signature/;
const SECRET_WORD = /(^|_)(pass|pw|creds?|pin|otp|psk|jwt)($|_)/;
const SECRET_KEY =
  /(^|_)(api|access|crypt|encryption|signing|hmac|session|master|storage|shared|license)_?key($|_)/;
/** An `auth` often names a method or an address instead of a secret. */
const AUTH =
  /(^|_)auth($|_(?!(url|uri|endpoint|host|port|address|type|version|method|mode|plugin|enabled|default|policy|tag)($|_)))/;
/** A private network or address is not secret. */
const PRIVATE =
  /private(?!_?(address|ip|ipv4|ipv6|network|net|subnet|cidr|dns|host|hostname|interface|port|vip|zone)($|_))/;

/** Whether a name implies a secret value: `db_password`, `apiKey`, `OS_TOKEN`, `registry.credentials`. */
export function isSecretName(name: string): boolean {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
    // It names the credential, as a user's id names the user.
    .replace(/application_credential_id$/, '');
  return [SECRET, SECRET_WORD, SECRET_KEY, AUTH, PRIVATE].some((pattern) => pattern.test(words));
}

/** Returns the texts and numbers within a value whose own name, or whose key's name, implies a secret. */
export function secretsNamed(name: string, value: unknown): string[] {
  const found: string[] = [];
  // No recursion: the value may be nested deeper than the stack.
  const left = [{ value, isSecret: isSecretName(name) }];
  for (let next = left.pop(); next; next = left.pop()) {
    const { value: one, isSecret } = next;
    if (isSecret && (typeof one === 'string' || typeof one === 'number')) found.push(String(one));
    // A number that a double would alter is kept as text.
    if (isSecret && JSON.isRawJSON(one)) found.push(one.rawJSON, pythonStr(one));
    // A template may have turned a map into text.
    const within = typeof one === 'string' && /^\s*[{[]/.test(one) ? parsed(one) : one;
    if (Array.isArray(within)) for (const part of within.toReversed()) left.push({ value: part, isSecret });
    else if (isObject(within))
      for (const [key, part] of Object.entries(within).toReversed())
        left.push({ value: part, isSecret: isSecret || isSecretName(key) });
  }
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
