/**
 * Decodes UTF-8; undefined if the bytes are not valid. `toString` would replace invalid bytes, and the result could be
 * run as a script or used as a wrong password.
 */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    // A byte order mark stays in the text; the parser reports it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
