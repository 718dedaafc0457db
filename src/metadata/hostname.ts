/**
 * The name in a text like /etc/hostname (hostname(5)): comments and empty lines are skipped, and so is the dot that ends
 * an absolute name.
 */
export const hostnameIn = (text: string): string | undefined =>
  text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('#'))
    ?.replace(/\.$/, '');
