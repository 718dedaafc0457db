import type { Instrument } from '../../agent/compose.ts';
import type { Disk } from '../../src/base/disk.ts';
import type { Http } from '../../src/openstack/http.ts';
import type { Systemctl } from '../../src/services/systemctl.ts';

/** Observes a run at each of its durable steps, and may end it. */
export type Watcher = {
  /** Called before and after a step; does not return if the run has to end here. */
  reach(point: string): void;
  /** Whether the run has to end in the middle of this step. */
  reachMiddle(point: string): boolean;
  /** Ends the run like a power failure or a kill. */
  die(): never;
  /** Called before a call that changes the disk: the file system may fail until `faultEnds`. */
  fault(path: string): void;
  faultEnds(): void;
};

/** Instruments every step of a run with an effect outside of the process: the points at which it can be killed. */
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
  stop: async (unit, abort) => {
    reach(`before stop ${unit}`);
    await real.stop(unit, abort);
    reach(`after stop ${unit}`);
  },
});

/** The points of a run before a call that changes the disk. */
export const diskCalls = (points: readonly string[]): string[] =>
  points.filter((point) => /^before (create|append|rename|sync|remove|make directory) /.test(point));

/** The numbers, from 1, of distinct points: the moment before a step equals the one after the former step. */
export const distinctPoints = (points: readonly string[]): number[] =>
  points.flatMap((point, index) =>
    point.startsWith('before ') && points[index - 1]?.startsWith('after ') ? [] : [index + 1],
  );
