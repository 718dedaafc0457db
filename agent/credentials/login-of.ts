import type { CredentialKey } from '../../src/files/credential-grammars.ts';
import type { CredentialSet } from '../../src/files/credential-file.ts';
import type { HeatParams } from '../../src/metadata/heat-params.ts';
import type { CredentialName } from '../../src/operation/credentials.ts';

/** Maps each input to its key in heat-params and its name in the files. */
export const CREDENTIAL_INPUTS: Readonly<Record<CredentialName, { parameter: string; key: CredentialKey }>> =
  {
    trustee_user_id: { parameter: 'TRUSTEE_USER_ID', key: 'user' },
    trustee_username: { parameter: 'TRUSTEE_USERNAME', key: 'userName' },
    trustee_domain_id: { parameter: 'TRUSTEE_DOMAIN_ID', key: 'domain' },
    trustee_password: { parameter: 'TRUSTEE_PASSWORD', key: 'password' },
    trust_id: { parameter: 'TRUST_ID', key: 'trust' },
    region_name: { parameter: 'REGION_NAME', key: 'region' },
    auth_url: { parameter: 'AUTH_URL', key: 'authUrl' },
  };

/** Reads the login from heat-params. A missing value becomes an empty string. */
export function credentialsOf(params: HeatParams): CredentialSet {
  const value = (name: CredentialName): string => params.get(CREDENTIAL_INPUTS[name].parameter) ?? '';
  return {
    user: value('trustee_user_id'),
    userName: value('trustee_username'),
    domain: value('trustee_domain_id'),
    password: value('trustee_password'),
    trust: value('trust_id'),
    region: value('region_name'),
    authUrl: value('auth_url'),
  };
}
