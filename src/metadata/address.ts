import { isIP } from 'node:net';
import { AgentError } from '../base/errors.ts';
import { isObject, parseJson } from '../base/json.ts';
import type { ReadDrive } from './config-drive.ts';
import type { ReadItem } from './ec2.ts';

/** An address of the server, by its name in EC2 metadata. */
export type AddressName = 'local-ipv4' | 'public-ipv4';

/**
 * Returns an address of this server from the config drive or else the metadata service. Undefined if it has none: a
 * server without a floating IP has no public address.
 *
 * @throws `cloud-unreachable`, `cloud-refused` if neither source answers
 */
export async function readAddress(
  name: AddressName,
  drive: ReadDrive,
  read: ReadItem,
  abort: AbortSignal,
): Promise<string | undefined> {
  const text = await drive(abort);
  const said = text === undefined ? await read(name, abort) : itemOf(text, name);
  const address = said.trim();
  if (address === '') return undefined;
  if (isIP(address) === 0)
    throw new AgentError(
      'bad-answer',
      `reading ${name} of this server: ${JSON.stringify(address.slice(0, 60))} is not an IP address`,
    );
  return address;
}

function itemOf(text: string, name: string): string {
  const drive = parseJson(text, 'reading the config drive', 'bad-answer');
  const item = isObject(drive) ? drive[name] : undefined;
  return typeof item === 'string' ? item : '';
}
