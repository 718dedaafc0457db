import { existsSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { AgentError } from './errors.ts';

/**
 * Copies the SELinux label, access lists and extended attributes of one file to another. Node has no API for them, so
 * the C library is called (listxattr(2), getxattr(2), setxattr(2)).
 *
 * @param isLabelled whether this kernel enforces labels; if it does not, a label that cannot be set is ignored
 * @throws `disk`, naming the attribute that this file system or process cannot set, and if the C library cannot be loaded:
 *   a service may be unable to read a file without its label
 */
export async function copyAttributes(
  from: string,
  to: string,
  isLabelled = existsSync('/sys/fs/selinux/enforce'),
): Promise<void> {
  const { list, get, set } = await (library ??= load());
  for (const name of list(from).filter((name) => !OF_CONTENT.has(name))) {
    const value = get(from, name);
    // A new file often inherits its directory's label. A container may see labels that it cannot set.
    if (value === undefined || get(to, name)?.equals(value)) continue;
    if (!set(to, name, value) && (isLabelled || !name.startsWith('security.')))
      throw new AgentError('disk', `its attribute ${name} could not be copied`, {
        reason: 'attribute-not-copied',
      });
  }
}

/** These sign the content or grant it rights as a program. The copy has different content, so they do not apply. */
const OF_CONTENT: ReadonlySet<string> = new Set(['security.ima', 'security.evm', 'security.capability']);

/** A missing path has no attributes; neither has a path on a file system without support for them. */
type Attributes = {
  list(path: string): string[];
  get(path: string, name: string): Buffer | undefined;
  set(path: string, name: string, value: Buffer): boolean;
};

/** The limit of Linux for a list and for a value, in bytes (xattr(7)). */
const MOST_BYTES = 65_536;

/** Loaded when the first file is replaced, so that an idle daemon does not hold it in memory. */
let library: Promise<Attributes> | undefined;

/** No fallback is needed: node itself uses the same libc.so.6, and it comes with the package. */
async function load(): Promise<Attributes> {
  try {
    return await open();
  } catch (cause) {
    throw new AgentError('disk', 'its attributes cannot be copied: the C library cannot be loaded', {
      reason: 'no-libc',
      cause,
    });
  }
}

async function open(): Promise<Attributes> {
  const { dlopen } = await import('node:ffi');
  const { functions } = dlopen('libc.so.6', {
    listxattr: { arguments: ['string', 'buffer', 'u64'], return: 'i64' },
    getxattr: { arguments: ['string', 'string', 'buffer', 'u64'], return: 'i64' },
    setxattr: { arguments: ['string', 'string', 'buffer', 'u64', 'i32'], return: 'i32' },
  });
  const room = Buffer.alloc(MOST_BYTES);
  const filled = (length: bigint): Buffer | undefined =>
    length < 0n ? undefined : Buffer.from(room.subarray(0, Number(length)));
  const size = BigInt(MOST_BYTES);
  return {
    list: (path) =>
      (filled(functions.listxattr(path, room, size))?.toString() ?? '').split('\0').filter(Boolean),
    get: (path, name) => filled(functions.getxattr(path, name, room, size)),
    set: (path, name, value) => functions.setxattr(path, name, value, BigInt(value.length), 0) === 0,
  };
}

/**
 * Reports whether a file has been read since it was written, from its times. A file system may not record reads
 * (noatime).
 */
export async function isReadSince(path: string): Promise<boolean> {
  const { atimeNs, mtimeNs } = await lstat(path, { bigint: true });
  return atimeNs > mtimeNs;
}
