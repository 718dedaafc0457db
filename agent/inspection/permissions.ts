import { dirname } from 'node:path';
import type { Disk } from '../../src/base/disk.ts';
import { shellQuote } from '../../src/base/shell-quote.ts';
import { trustFault } from '../../src/base/trust.ts';
import type { Finding } from './finding.ts';

/** Matches secret settings of agent.yaml and os-collect-config.conf, and signatures in addresses. */
const SECRET = /\b(?:password|secret|secret_access_key)\s*[:=]|[?&](?:temp_url_sig|Signature)=/;

/**
 * Checks whether other users can change a file that decides what the agent does as root, or read a secret in it.
 *
 * @param isSecret treats the file as secret, whatever it contains
 * @returns no findings for a missing file
 */
export async function lookAtPermissions(path: string, isSecret: boolean, disk: Disk): Promise<Finding[]> {
  const about = { id: 'permissions', of: path } as const;
  const fault = await disk.fault(path);
  if (fault !== undefined) {
    const at = shellQuote(await offenderOf(path, disk));
    return [
      {
        ...about,
        verdict: 'bad',
        reason: 'writable',
        what: `${path}: ${fault}`,
        next: `chown root:root ${at} && chmod go-w ${at}`,
      },
    ];
  }
  const info = await disk.info(await disk.resolve(path));
  if (info?.type !== 'file') return [];
  const mode = info.mode & 0o777;
  const isReadable = (mode & 0o077) !== 0;
  if (isReadable && (isSecret || SECRET.test((await disk.read(path)).toString('utf8'))))
    return [
      {
        ...about,
        verdict: 'bad',
        reason: 'readable',
        what: `${path} holds secrets, and others can read it (mode ${mode.toString(8)})`,
        next: `chmod 600 ${shellQuote(path)}`,
      },
    ];
  return [{ ...about, verdict: 'good', what: `only root can change ${path}` }];
}

/** Returns the part of a path that other users can change: the topmost such directory, or the file itself. */
async function offenderOf(path: string, disk: Disk): Promise<string> {
  const way: string[] = [];
  for (let at = await disk.resolve(path); at !== dirname(at); at = dirname(at)) way.unshift(at);
  for (const at of way) {
    const info = await disk.info(at);
    if (info && trustFault(info, process.geteuid?.() ?? 0) !== undefined) return at;
  }
  return path;
}
