import { createHmac } from 'node:crypto';

/** EC2 credentials of a user in Keystone. */
export type AccessKey = { id: string; secret: string };

/**
 * Signs the URL of a GET with AWS signature version 2, as Keystone verifies it
 * (https://docs.aws.amazon.com/general/latest/gr/signature-version-2.html ). Like the predecessor, omits the timestamp:
 * a node with a wrong clock still receives its metadata.
 */
export function signedUrl(url: URL, params: Readonly<Record<string, string>>, key: AccessKey): string {
  const signed = {
    ...params,
    AWSAccessKeyId: key.id,
    SignatureMethod: 'HmacSHA256',
    SignatureVersion: '2',
  };
  const query = Object.entries(signed)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    // Sorted by bytes; for these names that equals string order.
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join('&');
  const text = ['GET', url.host, url.pathname, query].join('\n');
  const signature = createHmac('sha256', key.secret).update(text).digest('base64');
  return `${url.origin}${url.pathname}?${query}&Signature=${encode(signature)}`;
}

/** Percent-encodes as in RFC 3986: only letters, digits and `-_.~` stay. */
const encode = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
