import { afterAll, beforeAll, vi } from 'vitest';
import { RETIRED, standingOf, untilRetired } from './completion.ts';
import {
  clusterName,
  installAgent,
  kubectl,
  type Node,
  nodes,
  onNode,
  openstack,
  power,
  renewKubeconfig,
  stackId,
  watchStack,
} from './magnum-cluster.ts';
import { type ProbePod, startProbePod } from './probe-pod.ts';
import { describeRotation, ROTATION_MS } from './rotation-suite.ts';

/**
 * Nodes that Heat does not reach: a worker of a second node group, whose stack Magnum never updates for a rotation; that
 * worker while it is off; and the remaining nodes after Heat's roll-back.
 */

const GROUP = 'second';
const CREATE_MS = 900_000;

let pod: ProbePod;
let second: Node;
const isSecond = ({ name }: Node): boolean => name.includes(`-${GROUP}-`);

beforeAll(async () => {
  const group = [await clusterName(), GROUP, '--node-count', '1'];
  if (!(await nodes()).some(isSecond))
    await openstack('coe', 'nodegroup', 'create', ...group, '--flavor', 'node', '--image', 'fedora-coreos');
  second = await vi.waitFor(
    async () => {
      const found = (await nodes()).find(isSecond);
      if (!found) throw new Error('the second node group has no server yet');
      await kubectl(['wait', '--for=condition=Ready', `node/${found.name}`, '--timeout=60s']);
      return found;
    },
    { timeout: CREATE_MS, interval: 5000 },
  );
  await installAgent();
  // The node that is powered off must not be the pod's.
  pod = await startProbePod((await nodes()).find((node) => node.role === 'worker' && !isSecond(node)));
}, 2 * CREATE_MS);
afterAll(async () => {
  await pod?.close();
});

/** Makes a node ask Magnum for its CAs now, which it otherwise does several times a day. */
const askMagnum = async (node: Node): Promise<void> => {
  await onNode(node, 'systemctl', 'restart', 'coe-agent');
};

/** Waits until a node trusts both CAs, and has answered Heat for it. */
async function untilTrusted(node: Node): Promise<void> {
  const isThrough = async () => {
    const { interrupted, rotation } = await standingOf(node);
    return interrupted === null && rotation.phase !== null;
  };
  await vi.waitUntil(isThrough, { timeout: ROTATION_MS, interval: 1000 });
}

describeRotation('a rotation that Heat sends to the default node groups only', () => pod, {
  ...RETIRED,
  meanwhile: async ([master]) => {
    if (master) await untilTrusted(master);
    await askMagnum(second);
  },
});

describeRotation('a rotation while that node is off, until the others have completed it', () => pod, {
  ...RETIRED,
  meanwhile: async () => {
    await power(second, 'off');
  },
  until: async () => {
    const all = await nodes();
    await untilRetired(all.filter((node) => !isSecond(node)));
    await power(second, 'on');
    await untilRetired(all);
    await renewKubeconfig();
    await kubectl(['wait', '--for=condition=Ready', `node/${second.name}`, '--timeout=300s']);
  },
});

describeRotation('a rotation that Heat rolls back once the master trusts both CAs', () => pod, {
  ...RETIRED,
  watch: watchStack,
  status: 'ROLLBACK_COMPLETE',
  meanwhile: async ([master]) => {
    if (master) await untilTrusted(master);
    await openstack('stack', 'cancel', await stackId());
  },
  until: async () => {
    const all = await nodes();
    for (const node of all) await askMagnum(node);
    await untilRetired(all);
  },
});
