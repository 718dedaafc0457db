import type { Instrument } from '../../agent/compose.ts';
import type { Disk } from '../../src/base/disk.ts';
import type { Http } from '../../src/openstack/http.ts';
import type { Systemctl } from '../../src/services/systemctl.ts';

/** What watches a run, and may end it, at each of its durable steps. */
export type Watcher = {
  /** A step is about to be done, or has been done; it does not return when the run is to end here. */
  reach(point: string): void;
  /** Whether the run is to end in the middle of this step. */
  reachMiddle(point: string): boolean;
  /** Ends the run as a power cut or a kill would. */
  die(): never;
  /** A call that changes the disk begins: the file system may be let fail until it has ended. */
  fault(path: string): void;
  faultEnds(): void;
};

/** Every step of a run that leaves a trace outside of the process: the points at which it can be killed. */
export const watch = (watcher: Watcher): Required<Omit<Instrument, 'clock'>> => ({
  disk: (real) => watchDisk(real, watcher),
  http: (real) => watchHttp(real, watcher),
  systemctl: (real) => watchSystemctl(real, watcher),
});

function watchDisk(real: Disk, { reach, reachMiddle, die, fault, faultEnds }: Watcher): Disk {
  const around = async (what: string, path: string, work: () => Promise<void>): Promise<void> => {
    reach(`before ${what}`);
    fault(path);
    try {
      await work();
    } finally {
      faultEnds();
    }
    reach(`after ${what}`);
  };
  return {
    ...real,
    create: async (path, content, attributes) => {
      await around(`create ${path}`, path, async () => {
        if (reachMiddle(`half-way through create ${path}`)) {
          const bytes = Buffer.from(content);
          await real.create(path, bytes.subarray(0, bytes.length / 2), attributes);
          die();
        }
        await real.create(path, content, attributes);
      });
    },
    append: async (path, lines) => {
      await around(`append ${path}`, path, async () => {
        if (reachMiddle(`half-way through append ${path}`)) {
          await real.append(path, lines.slice(0, lines.length / 2));
          die();
        }
        await real.append(path, lines);
      });
    },
    rename: async (from, to) => {
      await around(`rename ${from} to ${to}`, to, async () => {
        await real.rename(from, to);
      });
    },
    link: async (from, to) => {
      await around(`link ${from} to ${to}`, to, async () => {
        await real.link(from, to);
      });
    },
    sync: async (directory) => {
      await around(`sync ${directory}`, directory, async () => {
        await real.sync(directory);
      });
    },
    remove: async (path) => {
      await around(`remove ${path}`, path, async () => {
        await real.remove(path);
      });
    },
    removeTree: async (path) => {
      await around(`remove tree ${path}`, path, async () => {
        await real.removeTree(path);
      });
    },
    makeDirectory: async (path, attributes) => {
      await around(`make directory ${path}`, path, async () => {
        await real.makeDirectory(path, attributes);
      });
    },
  };
}

const watchHttp =
  (real: Http, { reach }: Watcher): Http =>
  async (request) => {
    const what = `${request.method} ${request.url.replace(/\?.*/s, '')}`;
    reach(`before ${what}`);
    const answer = await real(request);
    reach(`before the answer to ${what} is seen`);
    return answer;
  };

const watchSystemctl = (real: Systemctl, { reach }: Watcher): Systemctl => ({
  ...real,
  restart: async (unit, abort) => {
    reach(`before restart ${unit}`);
    await real.restart(unit, abort);
    reach(`after restart ${unit}`);
  },
});

/** The points of a run at which a call that changes the disk begins. */
export const diskCalls = (points: readonly string[]): string[] =>
  points.filter((point) => /^before (create|append|rename|sync|remove|make directory) /.test(point));

/**
 * The numbers, from 1, of the points of a run that differ: the moment before a step is that after the step
 * before it.
 */
export const distinctPoints = (points: readonly string[]): number[] =>
  points.flatMap((point, index) =>
    point.startsWith('before ') && points[index - 1]?.startsWith('after ') ? [] : [index + 1],
  );
