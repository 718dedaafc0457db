/**
 * The grammar of PEM as found in files: RFC 7468 with the lax parsing of its section 3. It allows white space and text
 * around blocks, no line feed between them, and lines of any length. Recognizing and reading blocks both use this
 * grammar.
 */

export type PemBlock = {
  /** `CERTIFICATE`, `PRIVATE KEY` */
  label: string;
  /** Only the block, in the strict form that OpenSSL reads. */
  pem: string;
  /** Start in the text, and end: after its last dashes. */
  start: number;
  end: number;
};

const BEGIN = /-----BEGIN ([A-Z0-9][A-Z0-9 ]*)-----/g;
const DASHES = '-----';

/** Returns the blocks of a text in order. A block without its END is skipped. */
export function pemBlocksIn(text: string): PemBlock[] {
  return [...text.matchAll(BEGIN)].flatMap(({ 0: begin, 1: label = '', index: start }) => {
    const from = start + begin.length;
    // A block contains no dashes, so each search stops at the next dashes.
    const to = text.indexOf(DASHES, from);
    const last = `-----END ${label}-----`;
    if (to === -1 || !text.startsWith(last, to)) return [];
    const pem = `${begin}\n${bodyOf(text.slice(from, to))}\n${last}\n`;
    return [{ label, pem, start, end: to + last.length }];
  });
}

/** Returns base64 in lines of 64. A body with headers (RFC 1421, for encrypted keys) keeps its own lines. */
function bodyOf(body: string): string {
  if (body.includes(':'))
    return body
      .trim()
      .split('\n')
      .map((line) => line.trim())
      .join('\n');
  return (body.replaceAll(/\s+/g, '').match(/.{1,64}/g) ?? []).join('\n');
}

/** Decodes PEM that Magnum wrote on one line, with each newline as the two characters `\n`; empty for white space. */
export const unescapedPem = (line: string): string =>
  line.trim() === '' ? '' : line.replaceAll(String.raw`\n`, '\n');

export const isCertificate = ({ label }: Pick<PemBlock, 'label'>): boolean =>
  /^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label);

/** Includes encrypted keys. */
export const isPrivateKey = ({ label }: Pick<PemBlock, 'label'>): boolean => label.endsWith('PRIVATE KEY');
