/**
 * What an error of Node, the kernel or OpenSSL means to a person. Their own messages name source files, repeat their codes
 * and give advice to programmers.
 */
export function plainWords(error: Error): string {
  const { message } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // node:tls calls every fault of a handshake EPROTO, or by the name that OpenSSL has for it.
  const handshake = /SSL routines:[^:]*:([^:]+):/.exec(message)?.[1]?.trim();
  if (handshake !== undefined) return NO_TLS.test(handshake) ? SPEAKS_NO_TLS : handshake;
  return MEANINGS[code] ?? (message || error.name);
}

/** TLS was spoken to a port whose answer is none. */
const NO_TLS = /^(?:wrong version number|packet length too long|http request)$/;
const SPEAKS_NO_TLS = 'it speaks no TLS there (https instead of http, or another port)';

const UNTRUSTED = 'its certificate comes from a CA that is not trusted here (ca_file names whom to trust)';

const MEANINGS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the file system (ENOSPC)',
  EROFS: 'the file system is read-only (EROFS)',
  EACCES: 'permission denied (EACCES)',
  EPERM: 'not permitted: immutable file, or not root (EPERM)',
  EIO: 'the disk reports an input/output error (EIO)',
  ENOENT: 'no such file or directory (ENOENT)',
  EISDIR: 'a directory is in the way (EISDIR)',
  EBUSY: 'in use: something is mounted there (EBUSY)',
  EDQUOT: 'the disk quota is used up (EDQUOT)',
  ELOOP: 'too many symlinks (ELOOP)',
  EEXIST: 'something is there already (EEXIST)',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'no such host name',
  EHOSTUNREACH: 'no route to the host',
  ETIMEDOUT: 'the connection timed out',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is signed by itself and not trusted here (ca_file names whom to trust)',
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  // A CA of the same name, as each of Magnum's has.
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** Which of them share an error code of the program, in a word that stays. */
export function reasonOfFault(error: Error): string | undefined {
  const words = plainWords(error);
  if (words === SPEAKS_NO_TLS) return 'no-tls';
  if (words === UNTRUSTED || words === MEANINGS['DEPTH_ZERO_SELF_SIGNED_CERT']) return 'ca-unknown';
  if (words === MEANINGS['ECONNRESET']) return 'connection-reset';
  if (words === MEANINGS['CERT_HAS_EXPIRED']) return 'certificate-expired';
  return words === MEANINGS['ERR_TLS_CERT_ALTNAME_INVALID'] ? 'other-name' : undefined;
}
