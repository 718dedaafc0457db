import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** The folder of `scripts/kubernetes install`; undefined if it has not run. */
export function kubernetesFolder(): string | undefined {
  const { status, stdout } = spawnSync('scripts/kubernetes', ['where'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

export const programIn = (folder: string, name: string): string => join(folder, 'bin', name);
