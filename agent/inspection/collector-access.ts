import type { CollectorName } from '../../src/metadata/collector.ts';
import type { Config } from '../config.ts';
import type { Finding } from './finding.ts';

/** Returns the first address that a collector asks, and the login. Omits an address's signatures. */
export function accessOf(
  name: CollectorName,
  { heat, zaqar, cfn, request, ec2 }: Config,
): Pick<Finding, 'url' | 'login'> {
  switch (name) {
    case 'heat':
      return heat ? { url: heat.auth_url, login: `user ${heat.user_id}` } : {};
    case 'zaqar':
      return zaqar ? { url: zaqar.auth_url, login: `user ${zaqar.user_id}` } : {};
    case 'cfn':
      return {
        ...(cfn?.metadata_url !== undefined && { url: cfn.metadata_url }),
        ...(cfn && { login: `access key ${cfn.access_key_id}` }),
      };
    case 'request':
      return request ? { url: request.metadata_url.replace(/[?#].*/s, '') } : {};
    case 'ec2':
      return { url: ec2.metadata_url };
    case 'config_drive':
    case 'heat_local':
    case 'local':
      return {};
  }
}
