/** Quotes a word for a shell, in single quotes; a word of ordinary characters stays unquoted. */
export const shellQuote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
