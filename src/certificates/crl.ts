import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { AgentError, explain } from '../base/errors.ts';
import { pemBlocksIn } from '../base/pem.ts';
import { elementsOf } from './der.ts';
import { subjectOf } from './read.ts';

/** A parsed revocation list (RFC 5280, 5), not verified yet. */
export type RevocationList = {
  der: Buffer;
  /** Milliseconds since the epoch. */
  thisUpdate: number;
  nextUpdate: number | undefined;
  /** Increases with each list of a CA; undefined if the list has none. */
  number: bigint | undefined;
  /** The serial numbers of the revoked certificates. */
  serials: ReadonlySet<bigint>;
  /** Verifies by key: all CAs of a cluster have the same name. */
  isSignedBy(key: KeyObject): boolean;
};

const { asn1 } = forge;
const { Class, Type } = asn1;

/** Supported signature algorithms by identifier, with their digest; Ed25519 has its own. */
const DIGESTS: Readonly<Record<string, string | undefined>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': undefined,
};

const CRL_NUMBER = '2.5.29.20';
const DELTA = '2.5.29.27';
const DISTRIBUTION_POINT = '2.5.29.28';
const CERTIFICATE_ISSUER = '2.5.29.29';
/** Extensions that make a list differ from the signing CA's complete list. */
const PARTIAL: Readonly<Record<string, string>> = {
  [DELTA]: 'is a delta list, which contains only changes',
  [DISTRIBUTION_POINT]: 'is an indirect or a partial list (issuing distribution point)',
  [CERTIFICATE_ISSUER]: 'is an indirect list, of certificates of other issuers',
};

/**
 * Parses a revocation list.
 *
 * @param given PEM, also with newlines as the two characters `\n`; DER; or base64 of DER
 * @throws `bad-certificate` if it is not a list, or not a usable one
 */
export function readRevocationList(given: string | Buffer, what: string): RevocationList {
  const wrong: Wrong = (reason, why) => new AgentError('bad-certificate', `${what} ${why}`, { reason });
  const der = derOf(given, wrong);
  try {
    return listOf(der, wrong);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw wrong('list-unreadable', `cannot be read: ${explain(error)}`);
  }
}

export const revocationListToPem = ({ der }: RevocationList): string => {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`;
};

type Wrong = (reason: string, why: string) => AgentError;

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;

function derOf(given: string | Buffer, wrong: Wrong): Buffer {
  if (typeof given !== 'string' && given[0] === SEQUENCE) return given;
  const text = given.toString().replaceAll(String.raw`\n`, '\n');
  if (text.trim() === '') throw wrong('list-empty', 'is empty');
  const blocks = pemBlocksIn(text);
  const [list, ...others] = blocks.filter(({ label }) => label === 'X509 CRL');
  if (others.length > 0) throw wrong('lists-several', `holds ${others.length + 1} lists instead of one`);
  if (!list && blocks.length > 0)
    throw wrong(
      'list-missing',
      `holds ${blocks.map(({ label }) => label).join(', ')} in PEM, but no X509 CRL`,
    );
  const base64 = list?.pem.split('\n').slice(1, -2).join('') ?? text;
  if (!/^[A-Za-z0-9+/\s]+={0,2}$/.test(base64.trimEnd()))
    throw wrong('list-encoding', 'is not a revocation list in PEM, DER or base64 of DER');
  return Buffer.from(base64, 'base64');
}

/** Describes DER that is not a list, as far as it can be recognized. */
function inPlaceOfList(der: Buffer, wrong: Wrong): AgentError {
  try {
    const subject = subjectOf(new X509Certificate(der));
    return wrong('certificate-for-list', `is the certificate ${subject}, not a revocation list`);
  } catch {
    return wrong('no-list', 'is not a revocation list, or is truncated');
  }
}

type Node = forge.asn1.Asn1;

function listOf(der: Buffer, wrong: Wrong): RevocationList {
  const [outer, ...rest] = elementsOf(der);
  const [tbs, algorithm, signature, ...more] = outer?.tag === SEQUENCE ? elementsOf(outer.content) : [];
  const isWhole = outer?.whole.length === der.length && rest.length === 0 && more.length === 0;
  // The bit string must have no unused bits.
  const isSigned = signature?.tag === BIT_STRING && signature.content[0] === 0;
  if (!isWhole || !isSigned || !tbs || !algorithm) throw inPlaceOfList(der, wrong);

  // Parses the whole input, so that no inner length can exceed it.
  const fields = childrenOf(childrenOf(asn1.fromDer(der.toString('binary')))[0]);
  if (fields[0] && isOf(fields[0], Type.INTEGER)) fields.shift();
  const [inner, issuer, thisUpdate, ...optional] = fields;
  if (!inner || !issuer || !thisUpdate || !isTime(thisUpdate)) throw inPlaceOfList(der, wrong);
  // RFC 5280, 5.1.1.2
  if (derText(inner) !== algorithm.whole.toString('binary'))
    throw wrong('list-two-algorithms', 'names two signature algorithms');
  const id = oidOf(childrenOf(inner)[0]);
  if (!Object.hasOwn(DIGESTS, id))
    throw wrong('list-algorithm', `is signed with an unsupported algorithm (${id})`);

  const nextUpdate = optional[0] && isTime(optional[0]) ? optional.shift() : undefined;
  const revoked = optional[0] && isOf(optional[0], Type.SEQUENCE) ? childrenOf(optional.shift()) : [];
  const wrapper = optional.shift();
  if (optional.length > 0 || (wrapper && wrapper.tagClass !== Class.CONTEXT_SPECIFIC))
    throw wrong('no-list', 'is not a revocation list');
  const extensions = extensionsOf(childrenOf(wrapper)[0]);
  refuseUnknown(extensions, [CRL_NUMBER], wrong);

  const serials = new Set<bigint>();
  for (const entry of revoked) {
    const [serial, , entryExtensions] = childrenOf(entry);
    refuseUnknown(extensionsOf(entryExtensions), [], wrong);
    serials.add(integerOf(serial));
  }
  const number = extensions.find((extension) => extension.id === CRL_NUMBER);
  return {
    der,
    thisUpdate: timeOf(thisUpdate),
    nextUpdate: nextUpdate && timeOf(nextUpdate),
    number: number && integerOf(asn1.fromDer(number.value)),
    serials,
    isSignedBy: (key) => {
      try {
        return verify(DIGESTS[id], tbs.whole, key, signature.content.subarray(1));
      } catch {
        // The key has another type.
        return false;
      }
    },
  };
}

type Extension = { id: string; critical: boolean; value: string };

function extensionsOf(list: Node | undefined): Extension[] {
  return childrenOf(list).map((extension) => {
    const [id, ...rest] = childrenOf(extension);
    const value = rest.at(-1);
    const [critical] = rest.length > 1 ? rest : [];
    return {
      id: oidOf(id),
      critical: critical !== undefined && textOf(critical) !== '\0',
      value: value ? textOf(value) : '',
    };
  });
}

function refuseUnknown(extensions: readonly Extension[], known: readonly string[], wrong: Wrong): void {
  for (const { id, critical } of extensions) {
    const partial = PARTIAL[id];
    if (partial !== undefined) throw wrong('list-partial', partial);
    if (critical && !known.includes(id))
      throw wrong('list-extension', `has an unsupported critical extension (${id})`);
  }
}

const childrenOf = (node: Node | undefined): Node[] =>
  node && Array.isArray(node.value) ? [...node.value] : [];
const textOf = ({ value }: Node): string => {
  if (typeof value !== 'string') throw new TypeError('expected a primitive value');
  return value;
};
const isOf = ({ tagClass, type }: Node, wanted: forge.asn1.Type): boolean =>
  tagClass === Class.UNIVERSAL && type === wanted;
const isTime = (node: Node): boolean => isOf(node, Type.UTCTIME) || isOf(node, Type.GENERALIZEDTIME);
const derText = (node: Node): string => asn1.toDer(node).getBytes();
const oidOf = (node: Node | undefined): string => (node ? asn1.derToOid(textOf(node)) : '');

function integerOf(node: Node | undefined): bigint {
  if (!node || !isOf(node, Type.INTEGER)) throw new TypeError('expected a number');
  return BigInt(`0x${Buffer.from(textOf(node), 'binary').toString('hex')}`);
}

function timeOf(node: Node): number {
  if (!isTime(node)) throw new TypeError('expected a date');
  const read = isOf(node, Type.UTCTIME) ? asn1.utcTimeToDate : asn1.generalizedTimeToDate;
  const time = read(textOf(node)).getTime();
  if (Number.isNaN(time)) throw new TypeError('invalid date');
  return time;
}
