import { isCertificate, pemBlocksIn } from '../base/pem.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { type RefuseOperation, refuse } from './refuse.ts';

/**
 * The cluster's OpenStack credentials, in the order in which missing ones are added to heat-params. Each name is the
 * name of an input and of Magnum's own parameter.
 */
export const CREDENTIAL_NAMES = [
  'trustee_user_id',
  'trustee_username',
  'trustee_domain_id',
  'trustee_password',
  'trust_id',
  'region_name',
  'auth_url',
] as const;
export type CredentialName = (typeof CREDENTIAL_NAMES)[number];
export type Credentials = Readonly<Partial<Record<CredentialName, string>>>;

/** Replaces credentials in every file that contains the former ones. Values that are not given stay unchanged. */
export type CredentialsOperation = {
  kind: 'credentials';
  given: Credentials;
  /** The CAs of the cloud, PEM. */
  openstackCa?: string | undefined;
};

/**
 * Decodes a deployment of the group `coe-credentials`, or the file of `agent credentials`. An empty text counts as
 * missing: templates send it for an unset value.
 *
 * @returns a refusal never contains a value
 */
export function selectCredentials(inputs: Deployment['inputs']): CredentialsOperation | RefuseOperation {
  const given: Partial<Record<CredentialName, string>> = {};
  for (const name of CREDENTIAL_NAMES) {
    const value = inputs[name];
    if (value === undefined || value === null || value === '') continue;
    if (typeof value !== 'string') return refuse('input-not-text', `the input ${name} is not text`);
    const fault = faultOf(name, value);
    if (fault) return refuse(fault.reason, `the input ${name} ${fault.why}`);
    given[name] = value;
  }
  const openstackCa = inputs['openstack_ca'] || undefined;
  if (openstackCa !== undefined && (typeof openstackCa !== 'string' || !holdsCertificates(openstackCa)))
    return refuse('input-no-certificate', 'the input openstack_ca is not PEM text of certificates alone');
  return Object.keys(given).length > 0 || openstackCa !== undefined
    ? { kind: 'credentials', given, ...(openstackCa !== undefined && { openstackCa }) }
    : refuse(
        'nothing-given',
        `no credentials given; give at least one of ${CREDENTIAL_NAMES.join(', ')}, openstack_ca`,
      );
}

/** A private key in a bundle would become public. */
function holdsCertificates(text: string): boolean {
  const blocks = pemBlocksIn(text);
  return blocks.length > 0 && blocks.every(isCertificate);
}

/** Checks a value: files store it on one quoted line, and some of their readers are shells. */
function faultOf(name: CredentialName, value: string): Omit<RefuseOperation, 'kind'> | undefined {
  // Heat masks hidden parameters as ******, and this program masks secrets as ***.
  if (/^\*+$/.test(value)) return refuse('input-masked', 'is masked (only asterisks): send the value itself');
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value))
    return refuse(
      'input-control-character',
      'contains a line break or another control character, which heat-params and INI files cannot represent',
    );
  if (!value.isWellFormed()) return refuse('input-not-unicode', 'is not valid Unicode');
  if (value.includes("'") && /["$`\\]/.test(value))
    return refuse(
      'input-unquotable',
      'contains an apostrophe and one of " $ ` \\, which heat-params cannot represent: no kind of quotes protects both from a shell',
    );
  if (name === 'auth_url')
    return isHttp(value) ? undefined : refuse('input-no-http-address', 'is not an http or https address');
  // A password may contain spaces.
  return name !== 'trustee_password' && /\s/.test(value)
    ? refuse('input-with-space', 'contains a space')
    : undefined;
}

const isHttp = (text: string): boolean => /^https?:\/\/[^\s/]/.test(text) && URL.canParse(text);
