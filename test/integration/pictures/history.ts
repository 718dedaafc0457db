import type { Cloud } from '../../cloud/cloud.ts';
import { NEVER } from '../../src/support/clock.ts';
import { startPolling } from './start-polling.ts';
import { createFleet, type Fleet, type Member } from '../../scenarios/support/whole-cluster.ts';

/** The metrics files of every node at one moment, in seconds since the epoch. */
type Sample = { at: number; texts: ReadonlyMap<string, string> };

/** What was recorded: when it began, in seconds since the epoch, and the samples as OpenMetrics. */
export type History = { begin: number; openMetrics: string };

const FILE = '/var/lib/node-exporter/coe-agent.prom';
const STEP_MS = 30_000;
const MINUTE_MS = 60_000;

/** In minutes since the beginning of the recording. */
const ENDS = 80;

/** The clock of the cloud and of every node. It advances while the nodes work, and jumps between two polls. */
export type Time = { now(): number };

export function createTime(): Time & { jumpTo(at: number): void } {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    jumpTo: (at) => {
      ahead = Math.max(ahead, at - Date.now());
    },
  };
}

/**
 * Records a rotation with automatic phases on three masters and two workers. Each node polls about every 30 seconds of
 * a clock that jumps from one poll to the next. The agent of one worker is stopped before the rotation and started
 * 20 minutes after it; Heat rejects the first signals, and later answers nothing for ten minutes.
 */
export async function recordRotation(cloud: Cloud, time: ReturnType<typeof createTime>): Promise<History> {
  const fleet = await createFleet(cloud, 3, 2);
  for (const { site } of fleet.members) {
    await site.node.write(FILE, '');
    await site.node.configure({ metrics: { file: FILE }, poll: { min_seconds: 30, max_seconds: 30 } });
    // A step takes the time of its real work and of its waits.
    const { elapsed } = site.clock;
    site.clock.elapsed = () => elapsed() + performance.now();
  }
  const started = fleet.members.map(async (member) => ({ member, poll: await startPolling(member) }));
  const nodes = await Promise.all(started);
  const stopped = new Set<Member>();
  const story = storyOf(cloud, fleet, stopped);

  const begin = roundUp(time.now());
  const end = begin + ENDS * MINUTE_MS;
  const samples: Sample[] = [];
  let former = await readAll(fleet);
  for (let at = begin; at < end;) {
    time.jumpTo(at);
    for (const { site } of fleet.members) await site.clock.sleep(Math.max(0, at - site.clock.now()), NEVER);
    for (const { minute, happens } of story)
      if (at >= begin + minute * MINUTE_MS) {
        story.shift();
        await happens();
      } else break;
    const running = nodes.filter(({ member }) => !stopped.has(member));
    await Promise.all(running.map(async ({ poll }) => await poll()));
    const texts = await readAll(fleet);
    // A node that waits in a step is ahead of the others, which catch up.
    const next = roundUp(Math.max(at + 1, ...fleet.members.map(({ site }) => site.clock.now())));
    for (let moment = at + STEP_MS; moment <= next; moment += STEP_MS)
      samples.push({ at: moment / 1000, texts: moment < next ? former : texts });
    former = texts;
    at = next;
  }
  return { begin: begin / 1000, openMetrics: openMetricsOf(samples) };
}

const roundUp = (ms: number): number => Math.ceil(ms / STEP_MS) * STEP_MS;

/** What happens, in order. @param stopped the nodes whose agent does not run */
function storyOf(
  cloud: Cloud,
  { cluster, members }: Fleet,
  stopped: Set<Member>,
): { minute: number; happens(): Promise<void> | void }[] {
  const late = members.at(-1);
  if (!late) throw new Error('the fleet is empty');
  const faults: { remove(): void }[] = [];
  const fail = (path: RegExp): void => {
    const effect = { kind: 'answer', status: 503 } as const;
    faults.push(
      cloud.fault({ service: 'heat', path, effect }),
      cloud.fault({ service: 'cfn', path, effect }),
    );
  };
  const mend = (): void => {
    for (const fault of faults.splice(0)) fault.remove();
  };
  return [
    { minute: 10, happens: () => void stopped.add(late) },
    {
      minute: 15,
      happens: async () => {
        fail(/signal/);
        await cloud.rotateCa(cluster);
      },
    },
    { minute: 22, happens: mend },
    { minute: 35, happens: () => void stopped.delete(late) },
    {
      minute: 60,
      happens: () => {
        fail(/./);
      },
    },
    { minute: 70, happens: mend },
  ];
}

const readAll = async ({ members }: Fleet): Promise<Map<string, string>> =>
  new Map(
    await Promise.all(members.map(async ({ name, site }) => [name, await site.node.read(FILE)] as const)),
  );

/** Converts the files to OpenMetrics with a moment and an instance at each sample, for `promtool tsdb`. */
function openMetricsOf(samples: readonly Sample[]): string {
  const types = new Set<string>();
  const byName = new Map<string, string[]>();
  for (const { at, texts } of samples)
    for (const [instance, text] of texts)
      for (const line of text.split('\n')) {
        if (line.startsWith('# TYPE ')) types.add(line);
        const [, name, labels, value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
        if (name === undefined || value === undefined) continue;
        const all = [`instance="${instance}"`, ...(labels === undefined ? [] : [labels])].join();
        byName.set(name, [...(byName.get(name) ?? []), `${name}{${all}} ${value} ${at}`]);
      }
  const lines = [...types].flatMap((type) => [type, ...(byName.get(type.split(' ')[2] ?? '') ?? [])]);
  return [...lines, '# EOF', ''].join('\n');
}
