import { errnoOf } from './errors.ts';

const meanings: Record<string, string> = {
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
};

/** What a system error means to a person, or its own message. */
export const meaningOf = (error: unknown): string => {
  const errno = errnoOf(error);
  return (errno && meanings[errno]) ?? errno ?? (error instanceof Error ? error.message : String(error));
};
