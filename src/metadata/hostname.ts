/**
 * Parses a text like /etc/hostname (hostname(5)): skips comments and empty lines, and drops the trailing dot of an
 * absolute name.
 */
export const hostnameIn = (text: string): string | undefined =>
  text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('#'))
    ?.replace(/\.$/, '');
