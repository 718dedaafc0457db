/** Explanation of an error, and a stable reason where several causes share a code of the program. */
type Meaning = { words: string; reason?: string };

/** A TLS handshake got an answer that is not TLS. */
const NO_TLS = /^(?:wrong version number|packet length too long|http request)$/;
const SPEAKS_NO_TLS: Meaning = {
  words: 'no TLS on this port (https instead of http, or the wrong port)',
  reason: 'no-tls',
};

const UNTRUSTED: Meaning = {
  words: 'its certificate is signed by an untrusted CA (set ca_file to the trusted CAs)',
  reason: 'ca-unknown',
};

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: { words: 'no space left on the file system (ENOSPC)', reason: 'no-space' },
  EROFS: { words: 'the file system is read-only (EROFS)', reason: 'read-only' },
  EACCES: { words: 'permission denied (EACCES)', reason: 'permission-denied' },
  EPERM: { words: 'not permitted: immutable file, or not root (EPERM)', reason: 'not-permitted' },
  EIO: { words: 'the disk reports an input/output error (EIO)', reason: 'io-error' },
  ENOENT: { words: 'no such file or directory (ENOENT)' },
  EISDIR: { words: 'a directory is in the way (EISDIR)' },
  EBUSY: { words: 'in use: something is mounted there (EBUSY)' },
  EDQUOT: { words: 'the disk quota is used up (EDQUOT)', reason: 'quota' },
  ELOOP: { words: 'too many symlinks (ELOOP)' },
  EEXIST: { words: 'the path exists already (EEXIST)' },
  ECONNREFUSED: { words: 'connection refused' },
  ECONNRESET: { words: 'the connection was reset', reason: 'connection-reset' },
  ENOTFOUND: { words: 'no such host name' },
  EHOSTUNREACH: { words: 'no route to the host' },
  ETIMEDOUT: { words: 'the connection timed out' },
  DEPTH_ZERO_SELF_SIGNED_CERT: {
    words: 'its certificate is self-signed and not trusted (set ca_file to the trusted CAs)',
    reason: 'ca-unknown',
  },
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  // The CA has the same name but another key: all CAs of a Magnum cluster share one name.
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_HAS_EXPIRED: { words: 'its certificate has expired', reason: 'certificate-expired' },
  ERR_TLS_CERT_ALTNAME_INVALID: { words: 'its certificate is for another name', reason: 'other-name' },
};

/**
 * Explains an error of Node, the kernel or OpenSSL. Their own messages name source files, repeat their codes and give
 * advice to programmers.
 */
export const plainWords = (error: Error): string => meaningOf(error).words;

/** Returns the stable reason that distinguishes errors with the same code of the program. */
export const reasonOfFault = (error: Error): string | undefined => meaningOf(error).reason;

function meaningOf(error: Error): Meaning {
  const { message } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // node:tls reports any fault of a handshake as EPROTO, or by OpenSSL's name for it.
  const handshake = /SSL routines:[^:]*:([^:]+):/.exec(message)?.[1]?.trim();
  if (handshake !== undefined) return NO_TLS.test(handshake) ? SPEAKS_NO_TLS : { words: handshake };
  return MEANINGS[code] ?? { words: message || error.name };
}
