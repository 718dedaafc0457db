import { isCertificate, isPrivateKey, type PemBlock, pemBlocksIn } from '../../src/base/pem.ts';
import { isSecretName } from '../../src/base/secrets/names.ts';
import {
  canonicalName,
  certificatesIn,
  fingerprint,
  namesOf,
  subjectOf,
} from '../../src/certificates/read.ts';
import type { CertificateRequest } from '../../src/certificates/request.ts';

const MARK = 'coe-agent: not issued yet: ';

const placeholder = (label: string, name: string): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(MARK + name).toString('base64')}\n-----END ${label}-----\n`;

/** Returns a placeholder in PEM format for a certificate that is not issued yet. */
export const newCertificate = (name: string): string => placeholder('CERTIFICATE', name);

/** Returns a placeholder in PEM format for a key that is not created yet. */
export const newKey = (name: string): string => placeholder('PRIVATE KEY', name);

const MASKED = '(not shown)';
/** Matches `key: value` of YAML, also in a list. */
const FIELD = /^(\s*(?:- +)?)([\w.-]+):\s+(\S.*)$/;
/** Every line of a base64 key except the last is at least this long. */
const BASE64_LINE = /^\s*[A-Za-z0-9+/]{40,}={0,2}\s*$/;

/**
 * Splits a text file into lines that are safe to show: certificates appear as their subject and names, keys and
 * passwords as a placeholder.
 *
 * @param requests of the certificates that are not issued yet
 * @param isKeyFile the text around its blocks may contain a damaged key
 */
export function shownLines(
  text: string,
  requests: readonly CertificateRequest[],
  isKeyFile = false,
): string[] {
  const around = (part: string): string => (isKeyFile ? part.replaceAll(/\S.*/g, MASKED) : part);
  let shown = '';
  let at = 0;
  for (const block of pemBlocksIn(text)) {
    shown += `${around(text.slice(at, block.start))}${describeBlock(block, requests).join('\n')}`;
    at = block.end;
  }
  const lines = `${shown}${around(text.slice(at))}`.split('\n');
  return (lines.at(-1) === '' ? lines.slice(0, -1) : lines).map((line) => maskLine(line, requests));
}

function describeBlock(block: PemBlock, requests: readonly CertificateRequest[]): string[] {
  const name = newNameIn(block.pem);
  if (isPrivateKey(block)) return [name === undefined ? 'private key' : 'private key (new)'];
  if (!isCertificate(block)) return [block.label.toLowerCase()];
  const request = requests.find((one) => one.name === name);
  if (request) {
    const subject = request.subject.map((pair) => pair.join('=')).join(', ');
    return ['certificate (new)', ...describeNames(subject, request.names.map(canonicalName))];
  }
  try {
    return certificatesIn(block.pem, 'a certificate').flatMap((certificate) => [
      `certificate ${fingerprint(certificate).slice(0, 16)}`,
      ...describeNames(subjectOf(certificate), namesOf(certificate)),
    ]);
  } catch {
    return ['certificate (unreadable)'];
  }
}

const describeNames = (subject: string, names: readonly string[]): string[] => [
  `subject ${subject}`,
  ...new Set(names.map((name) => `name ${name}`)).values().toArray().toSorted(),
];

function newNameIn(pem: string): string | undefined {
  const [, body = ''] = pem.split('\n');
  const text = Buffer.from(body, 'base64').toString('utf8');
  return text.startsWith(MARK) ? text.slice(MARK.length) : undefined;
}

function maskLine(line: string, requests: readonly CertificateRequest[]): string {
  if (BASE64_LINE.test(line)) return MASKED;
  const [, indent = '', key = '', value = ''] = FIELD.exec(line) ?? [];
  if (key === '') return line;
  if (key.endsWith('-data')) {
    const text = Buffer.from(value.replaceAll(/["'\s]/g, ''), 'base64').toString('utf8');
    const blocks = pemBlocksIn(text);
    const what = blocks.map((block) => describeBlock(block, requests)[0]).join(', ');
    return `${indent}${key}: ${blocks.length > 0 ? what : MASKED}`;
  }
  // Variables of an exec plugin have the key `value`.
  return isSecretName(key) || key === 'value' ? `${indent}${key}: ${MASKED}` : line;
}
