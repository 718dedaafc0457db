import { createHmac } from 'node:crypto';

/** EC2 credentials of a user in Keystone. */
export type AccessKey = { id: string; secret: string };

/**
 * The address of a GET with these parameters, signed with AWS signature version 2 as Keystone checks it
 * (https://docs.aws.amazon.com/general/latest/gr/signature-version-2.html ). There is no time stamp in it, as
 * there is none in the predecessor's: a node whose clock is wrong still hears what is wanted of it.
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
    // By bytes, which for these names is how text is compared.
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join('&');
  const text = ['GET', url.host, url.pathname, query].join('\n');
  const signature = createHmac('sha256', key.secret).update(text).digest('base64');
  return `${url.origin}${url.pathname}?${query}&Signature=${encode(signature)}`;
}

/** Percent-encoding as of RFC 3986: nothing but letters, digits and `-_.~` stays. */
const encode = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
