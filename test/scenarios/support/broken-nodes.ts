import { join } from 'node:path';
import { truncate } from 'node:fs/promises';
import type { Instrument } from '../../../agent/compose.ts';
import type { Disk } from '../../../src/base/disk.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { cli } from './cli.ts';
import type { Site } from './site.ts';

/** Leaves no free space where the node writes. */
export const fullDisk: Instrument = {
  disk: (real) => ({ ...real, room: async (path) => ({ ...(await real.room(path)), bytes: 0 }) }),
};

const refuse = async (): Promise<never> =>
  await Promise.reject(new AgentError('unit', 'systemctl: there is no systemctl on this node'));

/** Removes systemctl. */
export const withoutSystemctl: Instrument = {
  systemctl: (real) => ({ ...real, show: refuse, settings: refuse }),
};

const CHANGING = ['create', 'append', 'rename', 'link', 'sync', 'remove', 'removeTree', 'makeDirectory'];

/** Stops all writes from the replacement of a file on, as after a kill. */
const killedAt = (target: string): Instrument => ({
  disk: (real) => {
    let isDead = false;
    return new Proxy(real, {
      get: (disk, name: keyof Disk) => {
        if (!CHANGING.includes(name)) return disk[name];
        return async (...args: unknown[]): Promise<unknown> => {
          isDead ||= name === 'rename' && args[1] === target;
          if (isDead) throw new Error('killed');
          return await Reflect.apply(disk[name], disk, args);
        };
      },
    });
  },
});

/** Kills a rotation between two of the replacements. */
export async function killInMidCommit(site: Site): Promise<void> {
  await site.cloud.rotateCa(site.cluster);
  await cli(site, ['run-once'], killedAt('/etc/kubernetes/certs/kubelet.crt'));
}

/** Cuts a file of the node in half. */
export async function cut(site: Site, path: string): Promise<void> {
  const { length } = await site.node.read(path);
  await truncate(join(site.node.root, path), Math.floor(length / 2));
}
