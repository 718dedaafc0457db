import { once } from 'node:events';
import { expect, test } from 'vitest';
import { at } from '../cloud/exchange.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { LEASE } from '../fakes/kubernetes-lease.ts';
import type { Asked } from '../fakes/kubernetes.ts';
import { createFleet } from '../scenarios/support/whole-cluster.ts';
import { jsonObject } from '../src/support/fixtures.ts';
import { sample, seed, share } from './random.ts';

/** Kills of a master in its turn: the next start finishes what has begun in the same turn, and returns it. */

const cloud = await cloudForFile();

/** The writes of the Lease in a turn: it is taken, renewed before each restart, and returned. */
const POINTS = [
  'the turn is taken',
  'before the first restart',
  'the API server is stopped for its etcd',
  'after a restart',
  'before the turn is returned',
];

/** Whom a request makes the holder of the turn; undefined: it is no write of the Lease. */
const holderBy = ({ method, path, body }: Asked): unknown =>
  method !== 'GET' && path.includes(LEASE.kind)
    ? at(at(jsonObject(body), 'spec'), 'holderIdentity')
    : undefined;

test.each(sample(POINTS, Math.ceil(POINTS.length * share)))(
  `a kill when %s (CRASH_SEED=${seed})`,
  { timeout: 240_000 },
  async (point) => {
    const fleet = await createFleet(cloud, 2, 0);
    const [killed, other] = fleet.members;
    if (!killed || !other) throw new Error('there are two masters');
    const { site } = killed;
    await cloud.rotateCa(fleet.cluster);
    const child = site.node.start('run-once');
    const closed = once(child, 'close');
    let [writes, killsAt] = [0, POINTS.indexOf(point) + 1];
    const holders: unknown[] = [];
    fleet.kubernetes.instead = (asked) => {
      const holder = holderBy(asked);
      if (holder === undefined) return undefined;
      writes += holder === '' ? POINTS.length : 1;
      if (writes < killsAt) {
        holders.push(holder);
        return undefined;
      }
      killsAt = Infinity;
      child.kill('SIGKILL');
      // The last write does not reach the API.
      if (holder === '') return { status: 503 };
      holders.push(holder);
      return undefined;
    };
    await closed;
    expect(child.signalCode).toBe('SIGKILL');
    expect(new Set(holders)).toEqual(new Set([killed.name]));

    // No other master takes the turn meanwhile, so the next start does not wait.
    const { code, stderr } = await site.node.agent('run-once');
    // While its API server is stopped, this one knows no other.
    const isCutOff = point === 'the API server is stopped for its etcd';
    expect([code, stderr.includes('turn-not-given')], stderr).toEqual([0, isCutOff]);
    expect(holders.at(-1)).toBe('');
    await other.site.pass();
    expect(await cloud.settled(fleet.cluster)).toBe('UPDATE_COMPLETE');
    for (const { site: one, name } of fleet.members) {
      const trusted = await one.node.read('/etc/kubernetes/certs/ca.crt');
      expect(trusted.match(/BEGIN CERTIFICATE/g), name).toHaveLength(2);
      const node = fleet.kubernetes.core.find('nodes', '', name);
      expect(JSON.stringify(node), name).not.toContain('coe-agent/step');
    }
  },
);
