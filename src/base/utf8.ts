/**
 * Bytes as the text that they are in UTF-8; undefined for what is none. What `toString` puts in the place of a byte that it
 * does not know would be run as part of a script, or be a password that nobody has.
 */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    // A mark at the beginning is a character like any other: whoever parses the text says so.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
