/**
 * A word of a list in a unit file, as systemd reads it (systemd.syntax(7), "Quoting"; systemd.unit(5), "Specifiers").
 *
 * @returns undefined for what no line of a unit file can hold: a line break would begin a setting of its own
 */
export function unitFileWord(text: string): string | undefined {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) || !text.isWellFormed()) return undefined;
  const word = text.replaceAll('%', '%%');
  return /[\s"'\\]/.test(word) ? `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"` : word;
}
