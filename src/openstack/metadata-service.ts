import { AgentError } from '../base/errors.ts';
import { withoutSlash } from '../base/url.ts';
import type { Http } from './http.ts';
import { statusError } from './status.ts';

/**
 * Reads an item of the EC2-compatible metadata service (https://docs.openstack.org/nova/latest/user/metadata.html ),
 * below `url`.
 */
export const metadataService =
  (http: Http, url: string) =>
  async (name: string, abort: AbortSignal): Promise<string> => {
    const what = `reading ${name || 'the list of items'} at the metadata service ${url}`;
    const answer = await http({ what, method: 'GET', url: `${withoutSlash(url)}/${name}`, abort });
    // The server has no public address, or Nova does not know it yet.
    if (answer.status === 404) throw new AgentError('cloud-refused', 'there is no such item', { task: what });
    if (answer.status !== 200) throw statusError(what, answer);
    return answer.text;
  };
