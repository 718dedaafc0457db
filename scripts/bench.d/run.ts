import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCloud, type Cloud } from '../../test/cloud/cloud.ts';
import type { Cluster } from '../../test/cloud/cluster.ts';
import { createNode, type TestNode } from '../../test/fakes/node.ts';
import { bundle, NODE_FLAGS } from '../lib/bundle.ts';
import { type LogLine, startAgent } from '../lib/agent-process.ts';
import { type Bounds, measureBounds } from './bounds.ts';
import { type Parts, partsOf } from './parts.ts';
import { hastenSystemctl } from './systemctl.ts';
import { cpuOf, forgetPeak, memoryOf } from './process.ts';

/** One daemon from its start over idle polls to a rotation. Times in milliseconds, memory in MB. */
export type Run = {
  /** From the start of the process to its first request for metadata. */
  start: number;
  idle: {
    resident: number;
    anonymous: number;
    /** CPU time of a poll: one of the first twenty, and one of the later ones. */
    firstPolls: number;
    laterPolls: number;
    requests: number;
  };
  rotation: {
    /** From the arrival of the metadata to that of the signal, as the cloud sees it. */
    total: number;
    parts: Parts;
    /** CPU time of the agent, and of the programs that it ran. */
    cpu: number;
    programs: number;
    peak: number;
    requests: number;
  };
  /** Several samples, because the time for a key is random. */
  bounds: readonly Bounds[];
};

export const CERTIFICATES = 8;
const FIRST_POLLS = 20;
const LATER_POLLS = 60;
const POLL_SECONDS = 0.1;
const BOUNDS = 3;
const PATIENCE_MS = 120_000;

export type Bench = { measure(): Promise<Run>; close(): Promise<void> };

/**
 * Sets up the built program, as on a node, on a master in the embedded cloud. Its CAs have EC keys, so that the agent's
 * work is measured.
 */
export async function createBench(): Promise<Bench> {
  const built = await mkdtemp(join(tmpdir(), 'coe-build-'));
  const program = [...NODE_FLAGS, (await bundle(built)).program];
  const cloud = await startCloud();
  const server = { name: 'master-0', role: 'master' } as const;
  const cluster = await cloud.createCluster({ name: 'bench', keys: 'ec', servers: [server] });
  const node = await createNode({
    role: 'master',
    layout: 'kubernetes-certs',
    heatParams: cluster.heatParams('master'),
    collectConfig: cluster.collectConfig(server.name),
    keys: 'ec-p256',
    program,
  });
  await hastenSystemctl(node);
  const made = await node.agent('make-cert');
  if (made.code !== 0) throw new Error(`agent make-cert: ${made.stdout}${made.stderr}`);
  await node.configure({
    keys: 'rsa-4096',
    poll: { min_seconds: POLL_SECONDS, max_seconds: POLL_SECONDS },
    // A whole rotation in one step.
    rotation: { phase: 'all' },
  });
  return {
    measure: async () => {
      const bounds: Bounds[] = [];
      while (bounds.length < BOUNDS) bounds.push(await measureBounds(cluster, CERTIFICATES));
      return { ...(await measureDaemon(cloud, cluster, node)), bounds };
    },
    close: async () => {
      await node.close();
      await cloud.close();
      await rm(built, { recursive: true });
    },
  };
}

async function measureDaemon(cloud: Cloud, cluster: Cluster, node: TestNode): Promise<Omit<Run, 'bounds'>> {
  const lines: LogLine[] = [];
  const before = cloud.requests.length;
  const watch = watchRequests(cloud);
  const started = performance.now();
  const daemon = startAgent(node, ['run', '--log-level', 'debug'], (line) => lines.push(line));
  const polls = (): number => cloud.requests.slice(before).filter(isPoll).length;
  const pollsAre = async (count: number): Promise<void> => {
    await cloud.until(() => polls() >= count, PATIENCE_MS);
  };
  try {
    await pollsAre(1);
    const start =
      watch.timeOf(cloud.requests.findIndex((request, index) => index >= before && isPoll(request))) -
      started;
    const afterStart = await cpuOf(daemon.pid);
    await pollsAre(1 + FIRST_POLLS);
    const afterFirst = await cpuOf(daemon.pid);
    const { resident, anonymous } = await memoryOf(daemon.pid);
    const asked = cloud.requests.length;
    await pollsAre(1 + FIRST_POLLS + LATER_POLLS);
    const afterLater = await cpuOf(daemon.pid);
    const idle = {
      resident,
      anonymous,
      firstPolls: (afterFirst.own - afterStart.own) / FIRST_POLLS,
      laterPolls: (afterLater.own - afterFirst.own) / LATER_POLLS,
      requests: (cloud.requests.length - asked) / LATER_POLLS,
    };

    await forgetPeak(daemon.pid);
    const used = await cpuOf(daemon.pid);
    const polled = cloud.requests.length;
    await cloud.rotateCa(cluster);
    const status = await cloud.settled(cluster, PATIENCE_MS);
    const acknowledged = (): boolean =>
      lines.some(({ event, fields }) => event === 'step-done' && fields['step'] === 'signal');
    await cloud.until(acknowledged, PATIENCE_MS);
    const [after, { peak }] = [await cpuOf(daemon.pid), await memoryOf(daemon.pid)];
    if (status !== 'UPDATE_COMPLETE')
      throw new Error(`the rotation ended with ${status}: ${JSON.stringify(lines)}`);

    const signalled = cloud.requests.findLastIndex(({ path }) => path.endsWith('/signal'));
    // The last request for metadata before the first work; another one precedes the signal. The cluster's owner, who
    // has just rotated its CA, logs in as well, but requests no CA.
    const work = cloud.requests.findIndex(
      ({ path, method }, index) =>
        index >= polled && method === 'GET' && path.startsWith('/v1/certificates/'),
    );
    const seen = cloud.requests.slice(0, work).findLastIndex(isPoll);
    const rotation = {
      total: watch.timeOf(signalled) - watch.timeOf(seen),
      parts: partsOf(lines),
      cpu: after.own - used.own,
      programs: after.children - used.children,
      peak,
      requests: signalled - seen,
    };
    return { start, idle, rotation };
  } finally {
    watch.stop();
    await daemon.stop();
  }
}

const isPoll = ({ path }: { path: string }): boolean => path.endsWith('/metadata');

/** Records the time of each request, which the cloud's log lacks. */
function watchRequests(cloud: Cloud): { timeOf(index: number): number; stop(): void } {
  const times = new Map<number, number>();
  let known = cloud.requests.length;
  let stopped = false;
  const look = (): boolean => {
    for (; known < cloud.requests.length; known += 1) times.set(known, performance.now());
    return stopped;
  };
  void cloud.until(look, PATIENCE_MS).catch(() => undefined);
  return {
    timeOf: (index) => times.get(index) ?? Number.NaN,
    stop: () => {
      stopped = true;
    },
  };
}
