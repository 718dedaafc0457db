import { join } from 'node:path';
import type { Hands } from '../hands.ts';

/**
 * Builds the functions that run programs of the node. With --root, they run the programs of that root, never this
 * machine's.
 */
export function programsOf(root: string): Pick<Hands, 'deployedOs' | 'podman' | 'journalOf'> {
  const programOf = (name: string): string => (root === '/' ? name : join(root, '/usr/bin', name));
  return {
    podman: programOf('podman'),
    deployedOs: async (abort) => {
      const { deployedOs } = await import('../../src/services/deployed-os.ts');
      return await deployedOs(programOf('rpm-ostree'))(abort);
    },
    journalOf: async (unit, lines) => {
      const { journalOf } = await import('../../src/services/journalctl.ts');
      return await journalOf(programOf('journalctl'), unit, lines);
    },
  };
}
