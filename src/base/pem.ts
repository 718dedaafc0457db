/**
 * PEM as it is found in files (RFC 7468, with what its lax parsers accept, section 3): white space and text around blocks,
 * no line feed between them, lines of any length. Whoever recognizes a block and whoever reads it go by this one grammar.
 */

export type PemBlock = {
  /** `CERTIFICATE`, `PRIVATE KEY` */
  label: string;
  /** The block alone, in the strict form that OpenSSL reads. */
  pem: string;
  /** Where it begins in the text, and where it ends: behind its dashes. */
  start: number;
  end: number;
};

const BEGIN = /-----BEGIN ([A-Z0-9][A-Z0-9 ]*)-----/g;
const DASHES = '-----';

/** The blocks of a text in their order; one without its END is none. */
export function pemBlocksIn(text: string): PemBlock[] {
  return [...text.matchAll(BEGIN)].flatMap(({ 0: begin, 1: label = '', index: start }) => {
    const from = start + begin.length;
    // No block holds dashes: each is looked for in the text up to the next ones alone.
    const to = text.indexOf(DASHES, from);
    const last = `-----END ${label}-----`;
    if (to === -1 || !text.startsWith(last, to)) return [];
    const pem = `${begin}\n${bodyOf(text.slice(from, to))}\n${last}\n`;
    return [{ label, pem, start, end: to + last.length }];
  });
}

/** Base64 in lines of 64; a body with headers (RFC 1421, as of encrypted keys) keeps its own lines. */
function bodyOf(body: string): string {
  if (body.includes(':'))
    return body
      .trim()
      .split('\n')
      .map((line) => line.trim())
      .join('\n');
  return (body.replaceAll(/\s+/g, '').match(/.{1,64}/g) ?? []).join('\n');
}

/** PEM as Magnum writes it on one line, with each newline as the two characters `\n`; empty for white space. */
export const unescapedPem = (line: string): string =>
  line.trim() === '' ? '' : line.replaceAll(String.raw`\n`, '\n');

export const isCertificate = ({ label }: Pick<PemBlock, 'label'>): boolean =>
  /^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label);

/** Also one that is encrypted. */
export const isPrivateKey = ({ label }: Pick<PemBlock, 'label'>): boolean => label.endsWith('PRIVATE KEY');
