import type { Deployment } from '../deployment/deployment.ts';
import { type RefuseOperation, refuse } from './refuse.ts';

/** The cluster's OpenStack credentials. Each name is the name of an input and of Magnum's own parameter. */
const CREDENTIALS = [
  'trustee_user_id',
  'trustee_username',
  'trustee_domain_id',
  'trustee_password',
  'trust_id',
  'region_name',
  'auth_url',
] as const;
export type CredentialName = (typeof CREDENTIALS)[number];
export type Credentials = Readonly<Partial<Record<CredentialName, string>>>;

/** Replaces credentials in every file that contains the former ones. Values that are not given stay unchanged. */
export type CredentialsOperation = { kind: 'credentials'; given: Credentials };

/**
 * Decodes a deployment of the group `coe-credentials`, or the file of `agent credentials`. An empty text counts as
 * missing: templates send it for an unset value.
 *
 * @returns a refusal never contains a value
 */
export function selectCredentials(inputs: Deployment['inputs']): CredentialsOperation | RefuseOperation {
  const given: Partial<Record<CredentialName, string>> = {};
  for (const name of CREDENTIALS) {
    const value = inputs[name];
    if (value === undefined || value === null || value === '') continue;
    if (typeof value !== 'string') return refuse('input-not-text', `the input ${name} is no text`);
    const fault = faultOf(name, value);
    if (fault) return refuse(fault.reason, `the input ${name} ${fault.why}`);
    given[name] = value;
  }
  return Object.keys(given).length > 0
    ? { kind: 'credentials', given }
    : refuse('nothing-given', `nothing is given: at least one of ${CREDENTIALS.join(', ')}`);
}

/** Checks a value: files store it on one quoted line, and some of their readers are shells. */
function faultOf(name: CredentialName, value: string): Omit<RefuseOperation, 'kind'> | undefined {
  // Heat masks hidden parameters as ******, and this program masks secrets as ***.
  if (/^\*+$/.test(value))
    return refuse('input-masked', 'is masked: whoever has sent it had only seen it as asterisks');
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value))
    return refuse(
      'input-control-character',
      'has a line break or another control character in it, which no line of heat-params or of an INI file can hold',
    );
  if (!value.isWellFormed()) return refuse('input-not-unicode', 'is no Unicode text');
  if (value.includes("'") && /["$`\\]/.test(value))
    return refuse(
      'input-unquotable',
      'has an apostrophe and one of " $ ` \\ in it, which no line of heat-params can hold: neither kind of quotes keeps both from a shell',
    );
  if (name === 'auth_url')
    return isHttp(value) ? undefined : refuse('input-no-http-address', 'is no http or https address');
  // A password may contain spaces.
  return name !== 'trustee_password' && /\s/.test(value)
    ? refuse('input-with-space', 'has a space in it')
    : undefined;
}

const isHttp = (text: string): boolean => /^https?:\/\/[^\s/]/.test(text) && URL.canParse(text);
