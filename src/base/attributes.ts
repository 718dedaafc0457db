import { existsSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { AgentError } from './errors.ts';

/**
 * Gives a file the label (SELinux), the access lists and the extended attributes of another one. Node knows none of
 * them: the C library does (listxattr(2), getxattr(2), setxattr(2)).
 *
 * @param isLabelled whether this kernel goes by labels; where it does not, one that cannot be set says nothing
 * @throws `disk`, naming the attribute which this file system or this process cannot set
 */
export async function copyAttributes(
  from: string,
  to: string,
  isLabelled = existsSync('/sys/fs/selinux/enforce'),
): Promise<void> {
  const { list, get, set } = await (library ??= open());
  for (const name of list(from).filter((name) => !OF_CONTENT.has(name))) {
    const value = get(from, name);
    // A new file often has its directory's label already; a container may see labels that it cannot set.
    if (value === undefined || get(to, name)?.equals(value)) continue;
    if (!set(to, name, value) && (isLabelled || !name.startsWith('security.')))
      throw new AgentError('disk', `its attribute ${name} could not be copied`, {
        reason: 'attribute-not-copied',
      });
  }
}

/** Signatures of the content, and what it may do as a program: the content is another one. */
const OF_CONTENT: ReadonlySet<string> = new Set(['security.ima', 'security.evm', 'security.capability']);

/** A path that is not there has none, and one on a file system without them. */
type Attributes = {
  list(path: string): string[];
  get(path: string, name: string): Buffer | undefined;
  set(path: string, name: string, value: Buffer): boolean;
};

/** The most that Linux gives, for a list and for a value (xattr(7)). */
const MOST_BYTES = 65_536;

/** Loaded with the first file that is replaced: an idle daemon does without. */
let library: ReturnType<typeof open> | undefined;

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

/** Whether a file has been read since it was written, as its times tell; a file system may keep none (noatime). */
export async function isReadSince(path: string): Promise<boolean> {
  const { atimeNs, mtimeNs } = await lstat(path, { bigint: true });
  return atimeNs > mtimeNs;
}
