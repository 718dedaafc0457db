/**
 * Quotes a word for a list in a unit file (systemd.syntax(7), "Quoting"; systemd.unit(5), "Specifiers").
 *
 * @returns undefined if a unit file cannot contain the text: a line break would start another setting
 */
export function unitFileWord(text: string): string | undefined {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) || !text.isWellFormed()) return undefined;
  const word = text.replaceAll('%', '%%');
  return /[\s"'\\]/.test(word) ? `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"` : word;
}
