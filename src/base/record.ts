import { createHash } from 'node:crypto';
import { type Disk, readIfThere, replaceFile } from './disk.ts';
import { AgentError } from './errors.ts';
import { parseJson } from './json.ts';

/**
 * A record is what this program must find again after a power cut: one JSON line and its SHA-256, 0600,
 * replaced as a whole. A record that was cut or altered anywhere is noticed, never half believed.
 */

const digest = (line: string): string => createHash('sha256').update(line).digest('hex');

export async function writeRecord(disk: Disk, path: string, value: unknown): Promise<void> {
  const line = JSON.stringify(value);
  await replaceFile(disk, path, `${line}\n${digest(line)}\n`, { mode: 0o600 });
}

/** The parsed record; undefined when there is none; a `state` error when it is not what was written. */
export async function readRecord(disk: Disk, path: string): Promise<unknown> {
  const content = await readIfThere(disk, path);
  if (content === undefined) return undefined;
  const [line = '', sum = '', ...rest] = content.toString('utf8').split('\n');
  if (sum !== digest(line) || rest.join('') !== '')
    throw new AgentError('state', `reading ${path}: the record is cut or was altered`);
  return parseJson(line, `reading ${path}`, 'state');
}
