/** Addresses whose query carries the authorization, such as temporary URLs: possession is enough to use one. */

/** Removes query and login from an address, for messages. */
export const withoutQuery = (url: string): string =>
  url.replace(/[?#].*/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1');

/** Returns the parts of such an address to redact: the whole query, and the signature. */
export const secretsOfAddress = (url: string): string[] => {
  const query = url.replace(/^[^?]*\??/s, '');
  if (query === '') return [];
  const signatures = [...new URLSearchParams(query)]
    .filter(([name]) => /(signature|sig|secret|token)$/i.test(name))
    .map(([, value]) => value);
  return [query, ...signatures];
};
