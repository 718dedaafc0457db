/**
 * Addresses that carry their own authorization in the query, such as temporary URLs: who has one may use it.
 */

/** The address without its query, and without a login, for messages. */
export const withoutQuery = (url: string): string =>
  url.replace(/[?#].*/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1');

/** What must not be shown of such an address: the whole query, and the signature alone. */
export const secretsOfAddress = (url: string): string[] => {
  const query = url.replace(/^[^?]*\??/s, '');
  if (query === '') return [];
  const signatures = [...new URLSearchParams(query)]
    .filter(([name]) => /(signature|sig|secret|token)$/i.test(name))
    .map(([, value]) => value);
  return [query, ...signatures];
};
